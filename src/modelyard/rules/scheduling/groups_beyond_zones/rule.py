"""Groups of pods that want a zone each, where there are fewer zones."""

from collections import defaultdict
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import Placement, demands, placements
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Environment, Workload

_GROUPS = "LeaderWorkerSet"
_EXCLUSIVE = "leaderworkerset.sigs.k8s.io/exclusive-topology"
_ZONE = "topology.kubernetes.io/zone"


@rule("scheduling/groups-beyond-zones", error, since="0.1.0")
def groups_beyond_zones(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A group that may share its zone with no other stays Pending where every zone that its nodes may be in has one."""
    counted = {
        id(each.workload): each.least // each.per_unit
        for each in demands(environment)
        if each.workload.kind == _GROUPS and each.per_unit
    }
    by_namespace: dict[str, list[Workload]] = defaultdict(list)
    for workload in environment.workloads:
        if counted.get(id(workload)):
            by_namespace[environment.namespace_of(workload.manifest)].append(workload)
    where: dict[int, list[Placement]] = defaultdict(list)
    for each in placements(environment) if by_namespace else ():
        where[id(each.workload)].append(each)
    for namespace, workloads in by_namespace.items():
        yield from _other_keys(workloads)
        zones = {id(each): _zones(where[id(each)]) for each in workloads}
        alone = [each for each in workloads if _key(each) == _ZONE]
        unknown = [each for each in workloads if alone and isinstance(zones[id(each)], str)]
        if unknown:
            yield NotChecked(unknown[0].manifest, str(zones[id(unknown[0])]))
            continue
        # Pods that have no place at all are told by another rule.
        placed = [each for each in workloads if zones[id(each)]]
        alone = [each for each in alone if each in placed]
        others = [each for each in placed if each not in alone]
        # A zone with a group of its own is closed to every other group of the namespace, of any kind.
        for company in ([], others) if alone else ():
            wanted = sum(counted[id(each)] for each in alone) + bool(company)
            room = set[str]().union(*(zones[id(each)] for each in (*alone, *company)))
            if wanted > len(room):
                groups = [f"{counted[id(each)]} of {each.name}" for each in alone]
                groups += [f"one for {both([each.name for each in company])}"] if company else []
                yield _finding(namespace, alone[-1], wanted, both(groups), sorted(room))
                break


def _finding(namespace: str, workload: Workload, wanted: int, groups: str, zones: list[str]) -> Finding:
    return Finding(
        at=workload.manifest.at("spec.replicas"),
        message=f"groups of namespace {namespace} want {wanted} zones for themselves ({groups}), and nodes for them "
        f"can be in {len(zones)}: {', '.join(zones)}",
        fix="run as many groups as there are zones, give their pool more zones, or let groups share them by the "
        "feature spread-zones",
    )


def _key(workload: Workload) -> str:
    return str(workload.manifest.annotations.get(_EXCLUSIVE) or "")


def _other_keys(workloads: list[Workload]) -> Iterator[NotChecked]:
    for each in workloads:
        if _key(each) not in ("", _ZONE):
            yield NotChecked(each.manifest, f"whether each group finds a {_key(each)} of its own is not worked out")


def _zones(found: list[Placement]) -> set[str] | str:
    """Return the zones in which all pods of a group have nodes, or why that cannot be told."""
    common: set[str] | None = None
    for each in found:
        if each.unknown or each.taking:
            return each.unknown or "which zones its managed node group is in is not looked at"
        zones = {zone for verdict in each.accepting for zone in verdict.zones}
        common = zones if common is None else common & zones
    return common or set()
