"""Services, with the pods behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelyard.cluster.labels import Labelled, set_by_manifests
from modelyard.cluster.things import Thing
from modelyard.cluster.workloads import PodTemplate


@dataclass(frozen=True)
class Service:
    """A Service.

    Attributes:
        thing: The Service resource.
        namespace: The namespace that it lands in.
        pods: Pod templates of that namespace which its selector chooses.
    """

    thing: Thing
    namespace: str
    pods: tuple[PodTemplate, ...] = ()

    @property
    def name(self) -> str:
        """Return the Service's name."""
        return self.thing.name

    @property
    def type(self) -> str:
        """Return the Service's type."""
        return str(self.thing.get("spec.type", "ClusterIP"))

    @property
    def selector(self) -> dict[str, Any]:
        """Return the labels of the pods that it sends to; empty for a Service whose endpoints are made elsewhere."""
        return self.thing.mapping("spec.selector")

    @property
    def ports(self) -> list[dict[str, Any]]:
        """Return the ports as written."""
        return self.thing.entries("spec.ports")

    def __str__(self) -> str:
        return f"Service {self.name}"


def chosen(selector: dict[str, Any], templates: Labelled[PodTemplate]) -> tuple[PodTemplate, ...]:
    """Return the pod templates that a Service's selector chooses; labels that controllers add are taken as given."""
    if not selector:
        return ()
    return tuple(templates.chosen({"matchLabels": set_by_manifests(selector)}))
