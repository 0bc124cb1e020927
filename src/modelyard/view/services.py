"""Services, with the pods behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelyard.view.labels import LabelIndex, set_by_manifests
from modelyard.view.manifests import Manifest
from modelyard.view.workloads import PodTemplate


@dataclass(frozen=True)
class Service:
    """A Service.

    Attributes:
        manifest: The Service resource.
        namespace: The namespace that it lands in.
        pods: Pod templates of that namespace which its selector chooses.
    """

    manifest: Manifest
    namespace: str
    pods: tuple[PodTemplate, ...] = ()

    @property
    def name(self) -> str:
        """Return the Service's name."""
        return self.manifest.name

    @property
    def type(self) -> str:
        """Return the Service's type."""
        return str(self.manifest.get("spec.type", "ClusterIP"))

    @property
    def selector(self) -> dict[str, Any]:
        """Return the labels of the pods that it sends to; empty for a Service whose endpoints are made elsewhere."""
        return self.manifest.mapping("spec.selector")

    @property
    def ports(self) -> list[dict[str, Any]]:
        """Return the ports as written."""
        return self.manifest.entries("spec.ports")

    def __str__(self) -> str:
        return f"Service {self.name}"


def chosen(selector: dict[str, Any], templates: LabelIndex[PodTemplate]) -> tuple[PodTemplate, ...]:
    """Return the pod templates that a Service's selector chooses; labels that controllers add are taken as given."""
    if not selector:
        return ()
    return tuple(templates.chosen({"matchLabels": set_by_manifests(selector)}))
