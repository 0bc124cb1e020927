"""Environments and models that may cost more than the team allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelyard.findings import Finding, NotChecked, error
from modelyard.repository import SETTINGS, FileAddress
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment

if TYPE_CHECKING:
    from modelyard.costing import Scale


@rule("cost/above-ceiling", error, since="0.1.0")
def above_ceiling(environment: Environment) -> Iterator[Finding | NotChecked]:
    """At full scale the environment or model costs more than the ceiling that the team set."""
    ceiling = environment.repository.settings.ceilings.get(environment.name)
    if ceiling is None:
        return
    # Few repositories have ceilings, and what prices are made of takes a while to load.
    from modelyard.costing import environment_cost

    files, path = environment.repository.files, ("ceilings", environment.name)
    cost = environment_cost(environment)
    if ceiling.usd_per_month is not None:
        at = FileAddress(files, SETTINGS, (*path, "usd-per-month"))
        yield from _judged(str(environment), cost.total, ceiling.usd_per_month, at, list(cost.gaps))
    served = {model.application.name: model for model in environment.models}
    for name, most in ceiling.models.items():
        if name not in served:
            near = nearest(name, served)
            yield Finding(
                at=FileAddress(files, SETTINGS, (*path, "models", name), key=True),
                message=f"a ceiling is set for model {name}, which {environment} does not serve",
                fix=f"did you mean {near}?" if near else f"models here: {one_of(served)}",
            )
            continue
        share = cost.of_model(name)
        at = FileAddress(files, SETTINGS, (*path, "models", name))
        if share is None:
            yield NotChecked(f"cost of model {name}", "no node with a known price runs it", application=name)
        else:
            gaps = [gap for gap in cost.gaps if gap[0] == str(served[name].workload)]
            yield from _judged(f"model {name}", share, most, at, gaps)


def _judged(
    subject: str, found: Scale, most: float, at: FileAddress, gaps: list[tuple[str, str]]
) -> Iterator[Finding | NotChecked]:
    from modelyard.costing import printed

    low, high = found.ceiling.month
    unknown = found.ceiling.unknown
    if low > most or (high > most and not unknown):
        spread = printed(low, total=True) if low == high else f"{printed(low)} to {printed(high)}"
        lacking = f", without {one_of(unknown, 3)}" if unknown else ""
        yield Finding(
            at=at,
            message=f"{subject} costs up to {spread} USD a month at full scale{lacking}; "
            f"the ceiling is {printed(most)}",
            fix=f"lower its maximum replicas (the minimum costs {printed(found.floor.month[0], total=True)}), "
            "use smaller nodes, or raise the ceiling",
        )
    elif unknown:
        yield NotChecked(f"cost of {subject}", f"no price is known for {one_of(unknown, 3)}")
    elif gaps:
        what, why = gaps[0]
        more = f", and {len(gaps) - 1} more" if len(gaps) > 1 else ""
        yield NotChecked(f"cost of {subject}", f"{what}: {why}{more}", "modelyard cost lists what is not counted")
