"""Models that fit by less than the estimate may be off."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.fit.remedies import detail, gaps, remedy, unit
from modelyard.sizing import FitVerdict, fits
from modelyard.view import Environment


@rule("fit/tight-memory", warning, since="0.1.0")
def tight_memory(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The memory left after one request of max-model-len is within the estimate's error, so it may not start."""
    for fit in fits(environment):
        worst = fit.worst
        if worst is None:
            yield from gaps(fit)
            continue
        assessment = worst.assessment
        budget = assessment.budget
        if assessment.verdict is not FitVerdict.TIGHT:
            continue
        yield Finding(
            at=fit.model.settings.at("max-model-len"),
            message=f"{fit.model.name} keeps {budget.kv_available_gib:.1f} GiB per {unit(assessment)} for the KV "
            "cache; "
            f"one request of {budget.max_model_len} tokens needs {budget.kv_request_gib:.1f} GiB, and the estimate may "
            f"be off by {assessment.needed_margin_gib:.1f} GiB",
            fix=", or ".join(
                each for each in (remedy(fit, worst), "a start-up log (modelyard fit --from-log)") if each
            ),
            detail=detail(fit, worst),
        )
