"""Workloads that two autoscalers pull at."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest

_SCALERS = (
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("keda.sh", "ScaledObject"),
    ("autoscaling.aibrix.ai", "PodAutoscaler"),
)


@rule("autoscaling/duplicate-autoscaler", error, since="0.1.0")
def duplicate_autoscaler(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Two autoscalers of one workload undo each other's decisions; KEDA rejects the second."""
    first: dict[tuple[str, str, str], Manifest] = {}
    for group, kind in _SCALERS:
        for manifest in environment.of_kind(kind, group):
            target = manifest.mapping("spec.scaleTargetRef")
            name = str(target.get("name") or "")
            key = (environment.namespace_of(manifest), str(target.get("kind") or "Deployment"), name)
            other = first.setdefault(key, manifest)
            if not name or other is manifest:
                continue
            if environment.is_gathered and other.resource.origin != manifest.resource.origin:
                reason = "nobody says that all files of this folder are applied together"
                yield NotChecked(f"{manifest} and {other}", reason, application=manifest.application)
            else:
                yield Finding(
                    at=manifest.at("spec.scaleTargetRef.name"),
                    message=f"{manifest} and {other} both scale {key[1]} {name}",
                    fix="keep one; a ScaledObject creates its own HorizontalPodAutoscaler",
                )
