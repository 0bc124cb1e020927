"""Groups of pods that want a zone each, where there are fewer zones."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import Placement, demands, placement_by_template
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Environment, Workload

_GROUPS = "LeaderWorkerSet"
_EXCLUSIVE = "leaderworkerset.sigs.k8s.io/exclusive-topology"
_ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True, slots=True)
class _Groups:
    """The groups of one LeaderWorkerSet.

    Attributes:
        workload: The set.
        count: How many groups it has at least.
        zones: Zones in which all pods of a group have nodes; none where pods have no place at all.
        unknown: Why the zones cannot be told; empty when they can.
    """

    workload: Workload
    count: int
    zones: frozenset[str] = frozenset()
    unknown: str = ""

    @property
    def key(self) -> str:
        """Return the label whose value each group wants for itself; empty for none."""
        return str(self.workload.manifest.annotations.get(_EXCLUSIVE) or "")


@rule("scheduling/groups-beyond-zones", error, since="0.1.0")
def groups_beyond_zones(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A group that requires its own zone stays Pending when every zone already has another group."""
    by_namespace: dict[str, list[_Groups]] = defaultdict(list)
    for groups in _sets(environment):
        by_namespace[environment.namespace_of(groups.workload.manifest)].append(groups)
    for namespace, sets in by_namespace.items():
        for groups in sets:
            if groups.key not in ("", _ZONE):
                reason = f"exclusive placement by {groups.key} is not simulated"
                yield NotChecked(groups.workload.manifest, reason)
        if any(groups.key == _ZONE for groups in sets):
            yield from _judged(namespace, sets)


def _judged(namespace: str, sets: list[_Groups]) -> Iterator[Finding | NotChecked]:
    """Yield that exclusive groups of a namespace have too few zones, by themselves or beside the others."""
    for groups in sets:
        if groups.unknown:
            yield NotChecked(groups.workload.manifest, groups.unknown)
            return
    # Pods that have no place at all are told by another rule.
    exclusive = [groups for groups in sets if groups.zones and groups.key == _ZONE]
    others = [groups for groups in sets if groups.zones and groups.key != _ZONE]
    if not exclusive:
        return
    counts = [f"{groups.count} of {groups.workload.name}" for groups in exclusive]
    wanted = sum(groups.count for groups in exclusive)
    zones = frozenset[str]().union(*(groups.zones for groups in exclusive))
    if wanted <= len(zones) and others:
        # A zone with a group of its own is closed to every other group of the namespace, of any kind.
        counts.append(f"one for {both([groups.workload.name for groups in others])}")
        wanted += 1
        zones = zones.union(*(groups.zones for groups in others))
    if wanted > len(zones):
        yield _finding(namespace, exclusive[-1].workload, wanted, both(counts), sorted(zones))


def _finding(namespace: str, workload: Workload, wanted: int, groups: str, zones: list[str]) -> Finding:
    return Finding(
        at=workload.manifest.at("spec.replicas"),
        message=f"groups of namespace {namespace} need {wanted} exclusive zones ({groups}), but their nodes "
        f"can be in only {len(zones)}: {', '.join(zones)}",
        fix="run at most one group per zone, give their pool more zones, or let groups share zones with the "
        "feature spread-zones",
    )


def _sets(environment: Environment) -> Iterator[_Groups]:
    """Yield the LeaderWorkerSets that have groups, in the order of the workloads."""
    counts = {
        each.workload: each.least // each.per_unit
        for each in demands(environment)
        if each.workload.kind == _GROUPS and each.per_unit
    }
    placement_of = placement_by_template(environment) if counts else {}
    for workload in environment.workloads:
        if counts.get(workload):
            yield _placed(workload, counts[workload], [placement_of[each] for each in workload.templates])


def _placed(workload: Workload, count: int, of_templates: list[Placement]) -> _Groups:
    zones: frozenset[str] | None = None
    for placement in of_templates:
        if placement.unknown or placement.taking:
            reason = placement.unknown or "the zones of its managed node group are not read"
            return _Groups(workload, count, unknown=reason)
        own = frozenset(zone for verdict in placement.accepting for zone in verdict.zones)
        zones = own if zones is None else zones & own
    return _Groups(workload, count, zones or frozenset())
