"""Groups of pods that are to share a domain which cannot hold them."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import placement_by_template
from modelyard.placement.resources import THOUSAND
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment, Workload

_ANNOTATIONS = (
    "leaderworkerset.sigs.k8s.io/exclusive-topology",
    "leaderworkerset.sigs.k8s.io/subgroup-exclusive-topology",
)
_NODE = "kubernetes.io/hostname"
_DOMAINS = frozenset({_NODE, "topology.kubernetes.io/zone", "topology.kubernetes.io/region"})


@rule("scheduling/group-beyond-topology", error, since="0.3.0")
def group_beyond_topology(environment: Environment) -> Iterator[Finding | NotChecked]:
    """With an exclusive topology all pods of a group must fit in one domain, or the group never serves."""
    for workload in environment.own_workloads:
        if workload.kind != "LeaderWorkerSet":
            continue
        manifest = workload.manifest
        for annotation in _ANNOTATIONS:
            key = str(manifest.annotations.get(annotation, ""))
            if key == _NODE and "subgroup" not in annotation:
                yield from _on_one_node(environment, workload, annotation)
            elif key and "/" not in key:
                yield Finding(
                    at=manifest.at(("metadata", "annotations", annotation)),
                    message=f"{manifest} keeps each group in one {key}, which is not a label of any node",
                    fix=f"use a node label, such as {one_of(sorted(_DOMAINS))}",
                )


def _name(annotation: str) -> str:
    return annotation.rpartition("/")[2]


def _on_one_node(environment: Environment, workload: Workload, annotation: str) -> Iterator[Finding]:
    manifest = workload.manifest
    size = manifest.get("spec.leaderWorkerTemplate.size", 1)
    if not isinstance(size, int) or size < 2 or not workload.templates:
        return
    leader, worker = workload.templates[0], workload.templates[-1]
    wanted: dict[str, int] = {}
    for template, pods in ((leader, 1), (worker, size - 1)):
        for name, count in template.accelerators.items():
            wanted[name] = wanted.get(name, 0) + pods * count
    found = placement_by_template(environment).get(worker)
    if found is None or not found.accepting:
        return
    for name, count in wanted.items():
        nodes = (option for verdict in found.accepting for option in verdict.template.options)
        most = max((option.allocatable.get(name, 0) // THOUSAND for option in nodes), default=0)
        if most and count > most:
            yield Finding(
                at=manifest.at(("metadata", "annotations", annotation)),
                message=f"{manifest} keeps each group of {size} pods on one node ({_name(annotation)}: {_NODE}); they "
                f"request {count} {name}, but the largest node has {most}",
                fix="keep groups in one zone (topology.kubernetes.io/zone), or make them smaller",
            )
