"""Disruption budgets that never let a pod go."""

from collections.abc import Iterator

from modelyard.cluster import Environment, PodTemplate, Thing
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule


@rule("scheduling/blocking-disruption-budget", warning, since="0.1.0")
def blocking_disruption_budget(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A budget that permits no eviction keeps nodes from being drained for upgrades, drift and cost."""
    for thing in environment.of_kind("PodDisruptionBudget", "policy"):
        least, most = thing.get("spec.minAvailable"), thing.get("spec.maxUnavailable")
        if most in (0, "0%"):
            yield _finding(thing, "maxUnavailable", f"maxUnavailable {most}")
        if least == "100%":
            yield _finding(thing, "minAvailable", "minAvailable 100%")
        elif isinstance(least, int) and not isinstance(least, bool):
            templates = environment.pods_in(environment.namespace_of(thing))
            chosen = list(templates.chosen(thing.mapping("spec.selector")))
            replicas = [_replicas(each) for each in chosen]
            total = sum(each for each in replicas if each is not None)
            if chosen and None not in replicas and 0 < total <= least:
                yield _finding(thing, "minAvailable", f"minAvailable {least} of {total}")


def _replicas(template: PodTemplate) -> int | None:
    count = template.thing.get("spec.replicas", 1)
    known = template.thing.kind in ("Deployment", "StatefulSet") and isinstance(count, int)
    return int(count) if known else None


def _finding(thing: Thing, field: str, found: str) -> Finding:
    return Finding(
        at=thing.at(("spec", field)),
        message=f"{thing} has {found}, so no pod may ever be evicted",
        fix="use maxUnavailable: 1",
    )
