"""Groups of pods that find no nodes for all of them."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import scales, units
from modelyard.rules import rule
from modelyard.rules.wording import plural
from modelyard.view import Environment


@rule("scheduling/incomplete-group", error, since="0.1.0")
def incomplete_group(environment: Environment) -> Iterator[Finding | NotChecked]:
    """If one pod of a group or Ray cluster cannot be placed, the others keep their nodes without serving."""
    found = scales(environment)
    if not any(demand.unit for demand, _ in found.wanted):
        return
    if found.least.unknown:
        yield NotChecked("groups of pods", found.least.unknown)
        return
    for each in units(found.least):
        if each.whole >= each.wanted:
            continue
        manifest = each.workload.manifest
        lacking = each.wanted - each.whole
        yield Finding(
            at=manifest.at("spec.replicas" if each.name == "group" else "spec.rayClusterConfig"),
            message=f"{plural(lacking, each.name)} of {manifest}, {each.pods} pods each, "
            f"{'does' if lacking == 1 else 'do'} not fit on nodes beside the other workloads",
            fix="raise the limits of the node pools, or run fewer replicas; `modelyard place` shows what they hold",
        )
