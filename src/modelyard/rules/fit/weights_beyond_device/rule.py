"""Models whose weights leave no memory for a cache."""

from collections.abc import Iterator

from modelyard.cluster import Environment
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.fit.remedies import detail, gaps, remedy, unit
from modelyard.sizing import Verdict, fits, refusals


@rule("fit/weights-beyond-device", error, since="0.1.0")
def weights_beyond_device(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An engine that finds no memory left beside the weights ends with an out-of-memory error, again and again."""
    for fit in fits(environment):
        worst = fit.worst
        if worst is None or fit.shape is None:
            yield from gaps(fit)
            continue
        assessment = worst.assessment
        budget = assessment.budget
        if assessment.verdict is not Verdict.DOES_NOT_FIT or budget.kv_available_gib > 0:
            continue
        if any(refusals(fit.shape, assessment.settings, assessment.device)):
            continue
        used = budget.requested_gib - budget.kv_available_gib
        yield Finding(
            at=fit.model.settings.at("model"),
            message=f"{fit.model.name} needs {used:.1f} GiB per {unit(assessment)} before the KV cache gets any "
            f"({budget.weights_gib:.1f} GiB of them weights); {assessment.device.name} gives "
            f"{budget.requested_gib:.1f} GiB",
            fix=remedy(fit, worst),
            detail=detail(fit, worst),
        )
