"""Demands on labels, or values of them, that no node ever has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from modelyard.catalog import instance_types
from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.placement import labels
from modelyard.rules import rule
from modelyard.rules.scheduling.affinity import OTHER_LABELS, is_unknown_topology
from modelyard.rules.wording import both, either, near_words, nearest
from modelyard.view import (
    Environment,
    NodeRequirement,
    PodTemplate,
    listed,
    mapping,
    numbered,
    requirements,
    selected_pools,
    text,
)

# Domains whose labels are set by Kubernetes, EKS and Karpenter alone.
_DOMAINS = (
    "eks.amazonaws.com",
    "karpenter.k8s.aws",
    "karpenter.sh",
    "kubernetes.io",
    "node.kubernetes.io",
    "topology.k8s.aws",
    "topology.kubernetes.io",
)
_OF_KARPENTER = ("karpenter.sh", "karpenter.k8s.aws")
_VALUES = {
    labels.ARCHITECTURE: frozenset({"amd64", "arm64"}),
    labels.OPERATING_SYSTEM: frozenset({"linux", "windows"}),
    labels.CAPACITY_TYPE: frozenset({labels.ON_DEMAND, labels.SPOT, labels.RESERVED}),
    "eks.amazonaws.com/capacityType": frozenset({"ON_DEMAND", "SPOT", "CAPACITY_BLOCK"}),
}
_TOPOLOGY = (labels.HOSTNAME, labels.ZONE, labels.REGION)
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_CLOSE = 0.93
_DEVICES = {"instance-gpu": ("gpu",), "instance-accelerator": ("neuron", "inference")}


@rule("scheduling/unknown-node-label", error, since="0.1.0", absence="cluster")
def unknown_node_label(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Pods that require a label, or a label value, that no node has never run on the intended nodes."""
    pools = environment.pools
    for pool in pools:
        path = ("spec", "template", "spec", "requirements")
        for each in requirements(pool.requirements, path):
            # Karpenter's webhook refuses its own domains, which schema/invalid-resource says.
            if each.key.partition("/")[0] not in _OF_KARPENTER or each.key == labels.CAPACITY_TYPE:
                yield from _judge(str(pool), each, pool.manifest.at((*each.path, "key")), pool.manifest.at(each.path))
    own = {key for pool in pools for key in pool.labels}
    for values in environment.chart_values:
        for layer in values.layers:
            for place, demand in _in_values(layer.content, ()):
                if demand.key not in own:
                    at = values.at(place)
                    yield from _judge(f"the pods of chart {values.source.chart}", demand, at, at)
    for workload in environment.own_workloads:
        for template in workload.templates:
            yield from _topology_keys(template, own)
            # Where nothing is left, scheduling/unselectable-node and unplaceable-pod say so.
            if workload.kind != "DaemonSet" and not selected_pools(template, pools):
                continue
            for demand in _demands(template):
                if demand.key not in own:
                    yield from _judge(str(template), demand, _key_at(template, demand), template.at(*demand.path))


def _in_values(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], NodeRequirement]]:
    """Yield what values ask of nodes: selectors of nodes, and expressions of an affinity to nodes."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "nodeSelector" and isinstance(each, dict):
                for label, wanted in each.items():
                    yield (*path, key, str(label)), NodeRequirement(str(label), "In", (str(wanted),), ())
            elif key == "matchExpressions" and "nodeAffinity" in path:
                for found in requirements(each, (*path, key)) if isinstance(each, list) else ():
                    yield (*found.path, "key"), found
            else:
                yield from _in_values(each, (*path, str(key)))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _in_values(each, (*path, index))


def _topology_keys(template: PodTemplate, own: set[str]) -> Iterator[Finding]:
    """Yield domains that no node is in: what must be spread or kept together by them is not scheduled."""
    for path, term in _terms(template):
        key = text(term, "topologyKey")
        if not is_unknown_topology(key, own):
            continue
        domain = key.partition("/")[0]
        near = nearest(key, _TOPOLOGY, cutoff=0.6)
        is_required = text(term, "whenUnsatisfiable") == "DoNotSchedule" or _REQUIRED in path
        if (domain in _DOMAINS and is_required) or (
            near and ("/" not in key or domain in _DOMAINS or domain.endswith(".kubernetes.io"))
        ):
            yield Finding(
                at=template.at(*path, "topologyKey"),
                message=f"{template} use the topology key {key}, which is not a label of any node",
                fix=f"write {near}" if near else f"use {either(_TOPOLOGY)}",
            )


def _terms(template: PodTemplate) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    for index, constraint in numbered(template.spec, "topologySpreadConstraints"):
        yield ("topologySpreadConstraints", index), constraint
    for field in ("podAffinity", "podAntiAffinity"):
        for index, term in numbered(template.spec, "affinity", field, _REQUIRED):
            yield ("affinity", field, _REQUIRED, index), term
        for index, weighted in numbered(template.spec, "affinity", field, _PREFERRED):
            yield ("affinity", field, _PREFERRED, index, "podAffinityTerm"), mapping(weighted, "podAffinityTerm")


def _demands(template: PodTemplate) -> Iterator[NodeRequirement]:
    for key, value in mapping(template.spec, "nodeSelector").items():
        yield NodeRequirement(str(key), "In", (str(value),), ("nodeSelector", str(key)))
    affinity = ("affinity", "nodeAffinity")
    required = (*affinity, "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    for index, term in numbered(template.spec, *required):
        yield from requirements(listed(term, "matchExpressions"), (*required, index, "matchExpressions"))
    preferred = (*affinity, "preferredDuringSchedulingIgnoredDuringExecution")
    for index, weighted in numbered(template.spec, *preferred):
        below = (*preferred, index, "preference", "matchExpressions")
        yield from requirements(listed(weighted, "preference", "matchExpressions"), below)


def _key_at(template: PodTemplate, demand: NodeRequirement) -> Address:
    if demand.path[0] == "nodeSelector":
        return template.at(*demand.path, key=True)
    return template.at(*demand.path, "key")


def _judge(who: str, demand: NodeRequirement, key_at: Address, at: Address) -> Iterator[Finding]:
    key = labels.NORMALIZED.get(demand.key, demand.key)
    if key.partition("/")[0] in _DOMAINS and key not in labels.WELL_KNOWN | OTHER_LABELS:
        near = near_words(key, labels.WELL_KNOWN | OTHER_LABELS, most=4, cutoff=0.7)
        if near:
            yield Finding(
                at=key_at,
                message=f"{who} require the label {demand.key}, which no node has"
                if who.startswith("the pods")
                else f"{who} requires the label {demand.key}, which Kubernetes, EKS and Karpenter do not set",
                # What is spelt a little alike may mean something else.
                fix=f"write {near[0]}" if near_words(key, near, cutoff=_CLOSE) else f"similar labels are {both(near)}",
            )
        return
    if demand.operator in ("Gt", "Lt") and not all(value.lstrip("-").isdigit() for value in demand.values):
        yield Finding(
            at=at,
            message=f"{who} {'compare' if who.startswith('the pods') else 'compares'} {demand.key} with "
            f"{', '.join(demand.values)}, and {demand.operator} takes a whole number alone",
            fix="write the number, in the unit that the label has",
        )
        return
    known = _known_values(key)
    wrong = [value for value in demand.values if value not in known] if known and demand.operator == "In" else []
    if wrong:
        like = nearest(wrong[0], known)
        yield Finding(
            at=at,
            message=f"{who} {'require' if who.startswith('the pods') else 'requires'} {demand.key}={wrong[0]}, a value "
            "that the label never has",
            fix=f"write {like}" if like else f"write {either(sorted(known)[:8])}",
        )


@cache
def _known_values(key: str) -> frozenset[str]:
    """Return the values that a label may have; nothing of a label whose values are not listed."""
    if key in _VALUES:
        return _VALUES[key]
    plain = key.removeprefix(labels.AWS).removeprefix(labels.AUTO_MODE)
    for start, kinds in _DEVICES.items():
        if plain not in (f"{start}-manufacturer", f"{start}-name"):
            continue
        devices = [each for kind in instance_types().values() for each in kind.accelerators if each.kind in kinds]
        if plain == f"{start}-manufacturer":
            return frozenset("aws" if each.kind == "neuron" else _kebab(each.manufacturer) for each in devices)
        return frozenset(_kebab(each.name) for each in devices)
    return frozenset()


def _kebab(text: str) -> str:
    return text.replace(" ", "-").lower()
