"""Nodes that expire within the day."""

from collections.abc import Iterator

from modelyard.cluster import Environment, seconds
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule

LEAST_SECONDS = 24 * 3600


@rule("scheduling/short-expiry", warning, since="0.1.0")
def short_expiry(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Expiry asks neither disruption budgets nor pod disruption budgets before it ends the models on a node."""
    for pool in environment.pools:
        after = seconds(pool.thing.get("spec.template.spec.expireAfter"))
        if after is None or after >= LEAST_SECONDS or not pool.has_devices:
            continue
        yield Finding(
            at=pool.thing.at("spec.template.spec.expireAfter"),
            message=f"{pool} has accelerators, and its nodes expire after {after / 3600:g} h, whatever runs on them",
            fix="set expireAfter: Never; new AMIs replace nodes by drift, within the budgets",
        )
