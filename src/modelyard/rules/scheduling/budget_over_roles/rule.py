"""Disruption budgets that count the pods of several roles together."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment


@rule("scheduling/budget-over-roles", warning, since="0.1.0")
def budget_over_roles(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A budget over head and workers allows evicting all workers at once, because the head alone satisfies it."""
    for budget in environment.of_kind("PodDisruptionBudget", "policy"):
        least = budget.get("spec.minAvailable")
        if not isinstance(least, int) or isinstance(least, bool):
            continue
        chosen = list(environment.pods_in(environment.namespace_of(budget)).chosen(budget.mapping("spec.selector")))
        for manifest in dict.fromkeys(each.manifest for each in chosen if each.manifest.group == "ray.io"):
            roles = {each.labels.get("ray.io/node-type") for each in chosen if each.manifest is manifest}
            if len(roles) > 1:
                yield Finding(
                    at=budget.at("spec.selector", key=True),
                    message=f"{budget} counts head and workers of {manifest} together, so minAvailable {least} "
                    "allows evicting every worker at once",
                    fix="select ray.io/node-type: worker",
                )
