"""What pods require of their node, and whether a node pool can meet it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.rendering import Path
from modelyard.view.pools import Pool
from modelyard.view.shapes import listed, mapping, numbered
from modelyard.view.workloads import PodTemplate

WELL_KNOWN = frozenset(
    {
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "topology.k8s.aws/zone-id",
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "kubernetes.io/hostname",
        "node.kubernetes.io/instance-type",
        "node.kubernetes.io/windows-build",
        "karpenter.sh/capacity-type",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
    }
)
"""Labels that Karpenter knows the values of without a pool naming them."""

OF_EVERY_NODE = frozenset(
    {
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "kubernetes.io/hostname",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
    }
)
"""Labels that every kubelet gives its node, whoever made it."""

OF_AUTO_MODE = ("eks.amazonaws.com/instance-", "eks.amazonaws.com/compute-type")
"""How labels begin that EKS Auto Mode gives its nodes, beside those that everybody has."""


@dataclass(frozen=True)
class NodeRequirement:
    """One demand on a node's labels.

    Attributes:
        key: The label.
        operator: `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Gte`, `Lt` or `Lte`.
        values: The values that the operator takes.
        path: Where below the pod's spec, or in the NodePool, it is written.
    """

    key: str
    operator: str
    values: tuple[str, ...]
    path: Path

    def holds(self, value: str) -> bool:
        """Return whether a label's value meets the demand."""
        if self.operator == "In":
            return value in self.values
        if self.operator == "NotIn":
            return value not in self.values
        if self.operator in ("Gt", "Gte", "Lt", "Lte"):
            return _compares(value, self.operator, self.values)
        return self.operator == "Exists"

    def __str__(self) -> str:
        if self.operator == "In" and len(self.values) == 1:
            return f"{self.key}={self.values[0]}"
        return " ".join((self.key, self.operator, ", ".join(self.values))).strip()


def _compares(value: str, operator: str, values: tuple[str, ...]) -> bool:
    if not (value.isdigit() and values and values[0].isdigit()):
        return False
    left, right = int(value), int(values[0])
    return {"Gt": left > right, "Gte": left >= right, "Lt": left < right, "Lte": left <= right}[operator]


def requirements(entries: Iterable[Any], path: Path) -> tuple[NodeRequirement, ...]:
    """Return a list of label expressions, of a NodePool or a node affinity, as demands."""
    return tuple(
        NodeRequirement(
            str(entry.get("key", "")),
            str(entry.get("operator", "")),
            tuple(str(value) for value in listed(entry, "values")),
            (*path, index),
        )
        for index, entry in enumerate(entries)
        if isinstance(entry, Mapping)
    )


def alternatives(template: PodTemplate) -> tuple[tuple[NodeRequirement, ...], ...]:
    """Return what pods require of their node: any one of these groups, every demand of that group."""
    selector = mapping(template.spec, "nodeSelector")
    always = tuple(NodeRequirement(key, "In", (str(value),), ("nodeSelector", key)) for key, value in selector.items())
    path = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    groups = [
        (*always, *requirements(listed(term, "matchExpressions"), (*path, index, "matchExpressions")))
        for index, term in numbered(template.spec, *path)
    ]
    return tuple(groups) or (always,)


def pool_requirements(pool: Pool) -> tuple[NodeRequirement, ...]:
    """Return what a pool fixes about its nodes: its requirements, its labels, and its own name."""
    labels = pool.labels
    return (
        *requirements(pool.requirements, ("spec", "template", "spec", "requirements")),
        *(
            NodeRequirement(key, "In", (str(value),), ("spec", "template", "metadata", "labels", key))
            for key, value in labels.items()
        ),
        NodeRequirement("karpenter.sh/nodepool", "In", (pool.name,), ("metadata", "name")),
    )


def is_well_known(key: str, pool: Pool) -> bool:
    """Return whether a label's values are known without a pool naming it; EKS Auto Mode has names of its own."""
    return key in WELL_KNOWN or key.startswith(OF_AUTO_MODE if pool.auto_mode else "karpenter.k8s.aws/")


def admits(pool: Pool, demand: NodeRequirement) -> bool:
    """Return whether a node of the pool can meet one demand."""
    own = [each for each in pool_requirements(pool) if each.key == demand.key]
    if not own:
        return is_well_known(demand.key, pool) or demand.operator in ("NotIn", "DoesNotExist")
    if demand.operator == "DoesNotExist":
        return all(each.operator == "DoesNotExist" for each in own)
    listed = [each.values for each in own if each.operator == "In"]
    if listed:
        return any(all(each.holds(value) for each in (*own, demand)) for value in listed[0])
    if demand.operator == "In":
        return any(all(each.holds(value) for each in own) for value in demand.values)
    return True


def selected_pools(template: PodTemplate, pools: Iterable[Pool]) -> tuple[Pool, ...]:
    """Return the pools whose nodes can meet what pods require of labels; taints are not looked at."""
    groups = alternatives(template)
    return tuple(pool for pool in pools if any(all(admits(pool, demand) for demand in group) for group in groups))
