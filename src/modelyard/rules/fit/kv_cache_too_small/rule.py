"""Caches that cannot hold one request."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.fit.remedies import detail, gaps, remedy, unit
from modelyard.sizing import FitVerdict, fits, refusals
from modelyard.view import Environment


@rule("fit/kv-cache-too-small", error, since="0.1.0")
def kv_cache_too_small(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The KV cache must hold one request of max-model-len, or vLLM exits at start-up."""
    for fit in fits(environment):
        worst = fit.worst
        if worst is None or fit.shape is None:
            yield from gaps(fit)
            continue
        assessment = worst.assessment
        budget = assessment.budget
        if assessment.verdict is FitVerdict.UNSURE:
            reason = f"the estimate for {assessment.device.name} is uncertain: {assessment.reasons[0]}"
            fix = "start the model once and give its log to modelyard fit --from-log"
            yield NotChecked(fit.model, reason, fix, application=fit.model.application.name)
            continue
        if assessment.verdict is not FitVerdict.DOES_NOT_FIT or budget.kv_available_gib <= 0:
            continue
        if any(refusals(fit.shape, assessment.settings, assessment.device)):
            continue
        if budget.concurrency_gib > budget.kv_available_gib >= budget.kv_request_gib:
            yield Finding(
                at=fit.model.settings.at("max-num-seqs"),
                message=f"{fit.model.name}: {assessment.reasons[0]}",
                fix=remedy(fit, worst),
                detail=detail(fit, worst),
            )
            continue
        yield Finding(
            at=fit.model.settings.at("max-model-len"),
            message=f"{fit.model.name} keeps {budget.kv_available_gib:.1f} GiB per {unit(assessment)} for the KV "
            "cache; "
            f"one request of {budget.max_model_len} tokens needs {budget.kv_request_gib:.1f} GiB",
            fix=remedy(fit, worst),
            detail=detail(fit, worst),
        )
