"""Capacity that is reserved and never used."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, UserError, error, to_set, warning
from modelyard.placement import groups_of, placements
from modelyard.rules import rule
from modelyard.view import Environment, Pool, listed

_CAPACITY_TYPE = "karpenter.sh/capacity-type"
_RESERVED = "reserved"
_TERMS = "spec.capacityReservationSelectorTerms"
_GATE = "settings.featureGates.reservedCapacity"


@rule("scheduling/unused-reservation", warning, since="0.1.0")
def unused_reservation(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Karpenter uses a paid capacity reservation only if node class, pool and feature gate all enable it."""
    asking = [pool for pool in environment.pools if _asks(pool)]
    for pool in environment.pools:
        selects = pool.node_class is not None and pool.node_class.has(_TERMS)
        if selects and pool.node_class is not None and pool not in asking:
            yield Finding(
                at=pool.node_class.at(_TERMS),
                message=f"{pool.node_class} selects capacity reservations, but {pool} does not allow {_RESERVED} "
                "capacity",
                fix=f"add {_RESERVED} to the values of {_CAPACITY_TYPE} in {pool}",
            )
        elif pool in asking and pool.node_class is not None and not selects:
            yield Finding(
                at=pool.manifest.at(("spec", "template", "spec", "requirements", _index(pool), "values")),
                message=f"{pool} allows {_RESERVED} capacity, but {pool.node_class} selects no reservation",
                fix=f"add capacityReservationSelectorTerms to {pool.node_class}",
            )
    of_karpenter = [pool for pool in asking if not pool.auto_mode]
    for values in environment.chart_values if of_karpenter else ():
        if values.source.chart == "karpenter" and values.get(_GATE) is False:
            names = ", ".join(pool.name for pool in of_karpenter)
            yield Finding(
                at=values.at(_GATE),
                message=f"the feature gate reservedCapacity is off, but pools allow {_RESERVED} capacity: {names}",
                fix="enable the gate, which is the default",
                edits=(to_set(values.at(_GATE), True),),
                severity=error,
            )

    yield from _groups(environment)


def _groups(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Yield managed node groups of a block that was paid for, which no pods of the environment can use."""
    try:
        groups = [each for each in groups_of(environment) if each.reserved]
    except UserError as problem:
        yield NotChecked("managed node groups", problem.message)
        return
    # DaemonSets run on every node, and are no reason to pay for one.
    found = [each for each in placements(environment) if not each.daemon] if groups else []
    for group in groups:
        if any(verdict.group.name == group.name for each in found for verdict in each.taking):
            continue
        unknown = next((each for each in found if each.unknown), None)
        if unknown is not None:
            yield NotChecked(f"pods of node group {group.name}", unknown.unknown)
            continue
        terraform = environment.terraform
        yield Finding(
            at=terraform.variable_at("device_node_groups", group.name)
            if terraform is not None
            else environment.folder.at("region"),
            message=f"node group {group.name} is of a capacity block, and no pods of {environment} can run on it",
            fix="tag the block for a pool of Karpenter (gpu-multinode, gpu-mig or neuron), or give a model the feature "
            "dra-gpu",
        )


def _index(pool: Pool) -> int:
    return next(index for index, each in enumerate(pool.requirements) if each.get("key") == _CAPACITY_TYPE)


def _asks(pool: Pool) -> bool:
    """Return whether a pool names reserved capacity; without a requirement Karpenter starts nodes on demand."""
    return any(
        each.get("key") == _CAPACITY_TYPE and each.get("operator") == "In" and _RESERVED in listed(each, "values")
        for each in pool.requirements
    )
