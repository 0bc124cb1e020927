"""Pods that a node could take, and no node is left for beside the other pods."""

from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, error, warning
from modelyard.placement import Demand, Placement, Shortfall, demand_by_template, placements, written
from modelyard.rules import rule
from modelyard.rules.scheduling.affinity import REQUIRED, is_unknown_topology, keys_without_pods, terms, unmet_affinity
from modelyard.rules.shortfalls import Told, pods_of, told_shortfalls
from modelyard.rules.wording import both, plural
from modelyard.view import Environment, PodTemplate, alternatives, numbered, text

_ZONE = "topology.kubernetes.io/zone"
_OF_GROUPS = "leaderworkerset.sigs.k8s.io/exclusive-topology"


@rule("scheduling/crowded-out-pod", error, since="0.1.0")
def crowded_out_pod(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod that does not fit beside the other pods stays Pending, although a node could hold it alone."""
    for told in told_shortfalls(environment):
        # What is not known, and limits on devices, are told by devices-beyond-pool-limit.
        if not isinstance(told, str) and "/" not in told.shortfall.resource:
            yield from _of_pools(environment, told)
    yield from _of_groups(environment)


def _of_pools(environment: Environment, told: Told) -> Iterator[Finding]:
    found = told.shortfall
    if found.pool:
        limit, needed = (written(found.resource, value) for value in (found.limit, found.needed))
        yield Finding(
            at=_limit(environment, found),
            message=f"node pool {found.pool} is limited to {limit}, but {told.when}its nodes would have {needed}: "
            f"there is no room for {pods_of(found.remainders)}",
            fix="raise the limit, or request less",
            severity=told.severity,
        )
        return
    # Groups that want a domain for themselves, and pods that want others which nobody has, have rules of their own.
    remainders = tuple(
        each
        for each in found.remainders
        if _OF_GROUPS not in each.demand.workload.manifest.annotations
        and not any(_told_otherwise(environment, template) for template in each.demand.workload.templates)
    )
    for each in remainders:
        for path, wanted, zones in _domains(each.demand.template):
            yield Finding(
                at=each.demand.template.at(*path),
                message=f"{told.when}there is no room for {pods_of((each,))}: minDomains asks for {wanted} zones, and "
                f"they may run in {both(zones)} alone",
                fix="lower minDomains, or let the pods run in more zones",
                severity=told.severity,
            )
            return
    if remainders:
        yield Finding(
            at=remainders[0].demand.workload.manifest.at("spec.replicas"),
            message=f"{told.when}there is no room for {pods_of(remainders)} beside the other pods: their affinities, "
            "zones and pool limits leave no node that Karpenter could start",
            fix="turn required affinities and zones into preferred ones, or run fewer pods",
            severity=told.severity,
        )


def _domains(template: PodTemplate) -> Iterator[tuple[tuple[str | int, ...], int, list[str]]]:
    """Yield spread constraints over more zones than pods may run in: path, zones that are wanted, and those left."""
    groups = alternatives(template)
    named = [set(each.values) for group in groups for each in group if each.key == _ZONE and each.operator == "In"]
    if not named or len(named) < len(groups):
        return
    zones = sorted(set().union(*named))
    for index, each in numbered(template.spec, "topologySpreadConstraints"):
        wanted = each.get("minDomains")
        if each.get("topologyKey") == _ZONE and isinstance(wanted, int) and wanted > len(zones):
            yield ("topologySpreadConstraints", index, "minDomains"), wanted, zones


def _told_otherwise(environment: Environment, template: PodTemplate) -> bool:
    """Return whether pods require what nobody has, which scheduling/term-without-pods or unknown-node-label says."""
    own = {key for pool in environment.pools for key in pool.labels}
    return (
        unmet_affinity(environment, template)
        or any(REQUIRED in path for path, _ in keys_without_pods(template))
        or any(
            is_unknown_topology(text(term, "topologyKey"), own)
            for _, path, term in terms(template)
            if REQUIRED in path or text(term, "whenUnsatisfiable") == "DoNotSchedule"
        )
    )


def _limit(environment: Environment, found: Shortfall) -> Address:
    pool = next(each for each in environment.pools if each.name == found.pool)
    return pool.manifest.at(("spec", "limits", found.resource))


def _of_groups(environment: Environment) -> Iterator[Finding]:
    """Yield pods of managed node groups beyond what all their nodes hold; nobody adds a node for them."""
    on_groups = [each for each in placements(environment) if each.taking and not each.daemon and not each.accepting]
    demand_of = demand_by_template(environment) if on_groups else {}
    for placement in on_groups:
        demand = demand_of.get(placement.template)
        room = sum(each.most_pods for each in placement.taking)
        if demand is not None and demand.most > room:
            yield _beyond_groups(demand, placement, room)


def _beyond_groups(demand: Demand, placement: Placement, room: int) -> Finding:
    names = ", ".join(each.group.name for each in placement.taking)
    beyond = demand.least > room
    wanted = demand.least if beyond else demand.most
    return Finding(
        at=demand.workload.manifest.at("spec.replicas"),
        message=f"{demand.workload} has {plural(wanted, 'pod')}{'' if beyond else ' at full scale'}, and managed node "
        f"groups hold at most {room} of them: {names}",
        fix="raise max_size of the group in terraform.tfvars, or run fewer pods",
        severity=None if beyond else warning,
    )
