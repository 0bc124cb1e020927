"""Workloads: whatever makes pods, with its pod templates and containers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from modelyard.catalog import chart_accounts
from modelyard.findings import Address
from modelyard.rendering import Path, ResourceAddress, split_image
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import entries, listed, mapping, numbered
from modelyard.view.terraform.blocks import LineAddress

ACCELERATORS = ("nvidia.com/gpu", "aws.amazon.com/neuron", "aws.amazon.com/neuroncore")
"""Extended resources that stand for an accelerator or a part of one."""

# Where each kind keeps its pod templates; a star stands for every item of a list.
RAY_GROUP = "ray.io"

_TEMPLATES: dict[tuple[str, str], tuple[Path, ...]] = {
    ("", "Pod"): ((),),
    ("apps", "Deployment"): (("spec", "template"),),
    ("apps", "StatefulSet"): (("spec", "template"),),
    ("apps", "DaemonSet"): (("spec", "template"),),
    ("apps", "ReplicaSet"): (("spec", "template"),),
    ("batch", "Job"): (("spec", "template"),),
    ("batch", "CronJob"): (("spec", "jobTemplate", "spec", "template"),),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): (
        ("spec", "leaderWorkerTemplate", "leaderTemplate"),
        ("spec", "leaderWorkerTemplate", "workerTemplate"),
    ),
    (RAY_GROUP, "RayCluster"): (
        ("spec", "headGroupSpec", "template"),
        ("spec", "workerGroupSpecs", "*", "template"),
    ),
    (RAY_GROUP, "RayService"): (
        ("spec", "rayClusterConfig", "headGroupSpec", "template"),
        ("spec", "rayClusterConfig", "workerGroupSpecs", "*", "template"),
    ),
}


POD_KINDS = tuple(_TEMPLATES)
"""API group and kind of whatever makes pods."""


@dataclass(frozen=True, eq=False)
class Container:
    """A container of a pod template."""

    manifest: Manifest
    path: Path
    value: dict[str, Any]
    init: bool = False

    @property
    def name(self) -> str:
        """Return the container's name."""
        return str(self.value.get("name", ""))

    @property
    def image(self) -> str:
        """Return the image reference."""
        return str(self.value.get("image") or "")

    @property
    def image_basename(self) -> str:
        """Return the last part of the image's name, without tag and digest."""
        return split_image(self.image)[0].rpartition("/")[2]

    @property
    def pod_labels(self) -> dict[str, Any]:
        """Return the labels of its pod, as far as the manifest has them."""
        return mapping(self.manifest.get((*self.path[:-3], "metadata", "labels")))

    @property
    def args(self) -> list[str]:
        """Return the arguments as text."""
        return [str(each) for each in listed(self.value, "args")]

    @property
    def sidecar(self) -> bool:
        """Return whether it is an init container that keeps running."""
        return self.init and self.value.get("restartPolicy") == "Always"

    def requested(self, resource: str) -> Any:
        """Return what the scheduler counts: the request, which defaults to the limit."""
        for field_name in ("requests", "limits"):
            amount = mapping(self.value, "resources", field_name).get(resource)
            if amount is not None:
                return amount
        return None

    @property
    def image_name_at(self) -> Address:
        """Return where the image's name is written, which is not always where its tag is."""
        name, origin = split_image(self.image)[0], self.manifest.resource.origin
        files = self.manifest.repository.files
        written = f"image: {name}"
        if origin and files.is_file(origin) and written in files.text(origin):
            return LineAddress(files, origin, sought=(written,))
        return self.at("image")

    def at(self, *path: str | int, key: bool = False) -> ResourceAddress:
        """Return the address of a value below this container."""
        return self.manifest.at((*self.path, *path), key=key)

    def __str__(self) -> str:
        return f"container {self.name} of {self.manifest}"


@dataclass(frozen=True, eq=False)
class PodTemplate:
    """The pods that a workload makes."""

    manifest: Manifest
    path: Path
    value: dict[str, Any]

    @property
    def spec(self) -> dict[str, Any]:
        """Return the pod's spec."""
        return mapping(self.value, "spec")

    @property
    def spec_path(self) -> Path:
        """Return the path of the pod's spec in the workload."""
        return (*self.path, "spec")

    @cached_property
    def labels(self) -> dict[str, str]:
        """Return the pod's labels, with those that its controller adds."""
        return {**mapping(self.value, "metadata", "labels"), **self.added_labels}

    @property
    def added_labels(self) -> dict[str, str]:
        """Return the labels that are known of those that the pod's controller adds.

        KubeRay's are in `labelPod` of its controllers/ray/common/pod.go (1.6.2).
        """
        if self.manifest.group != RAY_GROUP:
            return {}
        return {"ray.io/node-type": "head" if "headGroupSpec" in self.path else "worker"}

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """Return the containers, init containers first."""
        found = []
        for field_name, init in (("initContainers", True), ("containers", False)):
            for index, value in numbered(self.spec, field_name):
                found.append(Container(self.manifest, (*self.spec_path, field_name, index), value, init))
        return tuple(found)

    @cached_property
    def accelerators(self) -> dict[str, int]:
        """Return how many devices of each accelerator resource a pod asks for."""
        totals: dict[str, int] = {}
        for container in self.containers:
            if container.init and not container.sidecar:
                continue
            for resource in ACCELERATORS:
                amount = container.requested(resource)
                if amount is not None and str(amount).isdigit() and int(amount) > 0:
                    totals[resource] = totals.get(resource, 0) + int(amount)
        return totals

    @cached_property
    def ports(self) -> tuple[tuple[str, int, str], ...]:
        """Return name, number and protocol of each port that a container of the pods declares."""
        return tuple(
            (str(port.get("name") or ""), int(port.get("containerPort") or 0), str(port.get("protocol") or "TCP"))
            for container in self.containers
            if not container.init or container.sidecar
            for port in entries(container.value, "ports")
            if str(port.get("containerPort") or "0").isdigit()
        )

    def __str__(self) -> str:
        return f"the pods of {self.manifest}"

    def at(self, *path: str | int, key: bool = False) -> ResourceAddress:
        """Return the address of a value below the pod's spec."""
        return self.manifest.at((*self.spec_path, *path), key=key)


@dataclass(frozen=True, eq=False)
class Workload:
    """A resource that makes pods."""

    manifest: Manifest
    templates: tuple[PodTemplate, ...] = field(default=())

    @property
    def name(self) -> str:
        """Return the workload's name."""
        return self.manifest.name

    @property
    def kind(self) -> str:
        """Return the workload's kind."""
        return self.manifest.kind

    @property
    def containers(self) -> Iterator[Container]:
        """Return every container of every pod template."""
        return (container for template in self.templates for container in template.containers)

    @property
    def group_size(self) -> int:
        """Return how many pods each group of a LeaderWorkerSet has; 1 for other kinds, and for what is no number."""
        size = self.manifest.get("spec.leaderWorkerTemplate.size", 1) if self.kind == "LeaderWorkerSet" else 1
        return size if isinstance(size, int) else 1

    def __str__(self) -> str:
        return str(self.manifest)


def workload(manifest: Manifest) -> Workload | None:
    """Return a thing as a workload, None when it makes no pods."""
    paths = _TEMPLATES.get((manifest.group, manifest.kind))
    if paths is None:
        return None
    templates = tuple(
        PodTemplate(manifest, found, value) for path in paths for found, value in _expanded(manifest.value, path, ())
    )
    return Workload(manifest, templates)


def _expanded(value: Any, path: Path, done: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if not path:
        if isinstance(value, dict):
            yield done, value
        return
    step, *rest = path
    if step == "*":
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from _expanded(item, tuple(rest), (*done, index))
    elif isinstance(value, dict) and step in value:
        yield from _expanded(value[step], tuple(rest), (*done, step))


def called_service(template: PodTemplate) -> str:
    """Return which services of AWS pods of a known chart call, in words; empty for others."""
    known = chart_accounts().get(template.manifest.resource.chart.partition(" ")[0])
    if known is None or template.labels.get("app.kubernetes.io/name") != known.name:
        return ""
    return known.calls
