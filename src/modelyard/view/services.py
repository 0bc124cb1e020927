"""Services, with the pods behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.view.labels import LabelIndex, set_by_manifests
from modelyard.view.manifests import Manifest
from modelyard.view.workloads import PodTemplate

SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
INTERNAL = "service.beta.kubernetes.io/aws-load-balancer-internal"
"""The older annotation, which the load balancer controller still reads where there is no scheme."""
MADE_INTERNAL = {SCHEME: "internal", INTERNAL: '"true"'}
"""What to set each of the two to for a load balancer within the VPC."""
_TRUE = frozenset({"1", "t", "true"})


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

    @property
    def is_headless(self) -> bool:
        """Return whether its name gives the addresses of its pods, so that its own ports play no part in a call."""
        return str(self.manifest.get("spec.clusterIP", "")) == "None"

    @property
    def answered_ports(self) -> frozenset[int]:
        """Return the ports at which a call of its name can be answered; empty where they are not known."""
        if self.is_headless:
            return frozenset(number for pods in self.pods for _, number, _ in pods.ports)
        return frozenset(port for each in self.ports if isinstance(port := each.get("port"), int))

    def __str__(self) -> str:
        return f"Service {self.name}"


def public_annotation(annotations: Mapping[str, Any]) -> str:
    """Return the annotation by which a load balancer faces the internet; empty where none does.

    As AWS Load Balancer Controller reads them (pkg/service/model_build_load_balancer.go of v2 and v3): the scheme, and
    where there is none the older annotation, of which `false` means the internet.
    """
    scheme = annotations.get(SCHEME)
    if scheme is not None:
        return SCHEME if scheme == "internet-facing" else ""
    internal = annotations.get(INTERNAL)
    return "" if internal is None or str(internal).lower() in _TRUE else INTERNAL


def chosen(selector: dict[str, Any], templates: LabelIndex[PodTemplate]) -> tuple[PodTemplate, ...]:
    """Return the pod templates that a Service's selector chooses; labels that controllers add are taken as given."""
    if not selector:
        return ()
    return tuple(templates.chosen({"matchLabels": set_by_manifests(selector)}))
