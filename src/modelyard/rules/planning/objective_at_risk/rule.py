"""Objectives that a calibrated estimate says are missed, or may be."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.planning.objectives_met import models_with_objectives
from modelyard.planning.plan import Verdict
from modelyard.rules import rule
from modelyard.view import Environment

_RISKS = (Verdict.MISSES, Verdict.UNSURE)


@rule("planning/objective-at-risk", warning, since="0.1.0")
def objective_at_risk(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Load tests of this deployment show that it misses, or may miss, an objective at the stated load."""
    for each in models_with_objectives(environment):
        now = each.now
        # Without runs of this deployment the range is too wide for a warning; `modelyard plan` shows it.
        if now is None or each.objectives is None or not now.basis.calibrated or now.verdict not in _RISKS:
            continue
        word = "misses" if now.verdict is Verdict.MISSES else "may miss"
        times = ""
        if now.ttft is not None and now.itl is not None:
            times = (
                f" ({now.ttft.low:.0f} to {now.ttft.high:.0f} ms to the first token, {now.itl.low:.0f} to "
                f"{now.itl.high:.0f} ms between tokens)"
            )
        yield Finding(
            at=each.address(),
            message=f"{each.model.name} {word} its objectives at {each.objectives.load} with {now.replicas} x "
            f"{now.offer.name}: {now.reason}{times}; {now.basis.words}",
            fix=f"modelyard plan {each.model.name} --env {environment.name} lists configurations that meet them",
        )
