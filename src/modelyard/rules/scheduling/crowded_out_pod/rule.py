"""Pods that a node could take, and no node is left for beside the other pods."""

from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, error, warning
from modelyard.placement import Demand, Placement, Shortfall, demand_by_template, placements, written
from modelyard.rules import rule
from modelyard.rules.scheduling.affinity import unmet_affinity
from modelyard.rules.shortfalls import Told, pods_of, told_shortfalls
from modelyard.rules.wording import plural
from modelyard.view import Environment

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
        and not any(unmet_affinity(environment, template) for template in each.demand.workload.templates)
    )
    if remainders:
        yield Finding(
            at=remainders[0].demand.workload.manifest.at("spec.replicas"),
            message=f"{told.when}there is no room for {pods_of(remainders)} beside the other pods: their affinities, "
            "zones and pool limits leave no node that Karpenter could start",
            fix="turn required affinities and zones into preferred ones, or run fewer pods",
            severity=told.severity,
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
