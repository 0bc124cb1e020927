"""How many replicas a workload has, and who decides it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from modelyard.view import Manifest, Workload


@dataclass(frozen=True, slots=True)
class Replicas:
    """The number of replicas of a workload.

    Attributes:
        least: Fewest replicas; None where neither the manifest nor a scaler says it.
        most: Most replicas; equal to `least` without a scaler.
        scaler: Kind and name of what decides the number; empty without one.
        written: Whether the workload's manifest says a number.
    """

    least: int | None
    most: int | None
    scaler: str = ""
    written: bool = False

    def __str__(self) -> str:
        if self.least is None:
            return "an unknown number of"
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


def replicas(workload: Workload, manifests: Iterable[Manifest]) -> Replicas:
    """Return the replicas of a workload, given all resources of its Application."""
    manifest = workload.manifest
    written = manifest.get("spec.replicas")
    number = written if isinstance(written, int) and not isinstance(written, bool) else None
    scaler = _scaler(manifest, manifests)
    if scaler is not None:
        least, most = _bounds(scaler)
        return Replicas(least, most, str(scaler), number is not None)
    if manifest.kind in ("DaemonSet", "Job", "CronJob"):
        return Replicas(None, None)
    # The API server takes 1 for an absent number.
    return Replicas(1 if number is None else number, 1 if number is None else number, "", number is not None)


def _scaler(workload: Manifest, manifests: Iterable[Manifest]) -> Manifest | None:
    for manifest in manifests:
        if manifest.kind not in ("ScaledObject", "HorizontalPodAutoscaler"):
            continue
        target = manifest.mapping("spec.scaleTargetRef")
        # KEDA takes a Deployment where the kind is left out.
        if target.get("name") == workload.name and target.get("kind", "Deployment") == workload.kind:
            return manifest
    return None


def _bounds(scaler: Manifest) -> tuple[int, int]:
    """Return fewest and most replicas of a scaler, with the defaults that its controller takes."""
    if scaler.kind == "ScaledObject":
        # https://keda.sh/docs/latest/reference/scaledobject-spec/: from 0 to 100.
        return _whole(scaler.get("spec.minReplicaCount"), 0), _whole(scaler.get("spec.maxReplicaCount"), 100)
    return _whole(scaler.get("spec.minReplicas"), 1), _whole(scaler.get("spec.maxReplicas"), 1)


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
