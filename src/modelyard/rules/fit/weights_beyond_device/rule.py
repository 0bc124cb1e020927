"""Models whose weights leave no memory for a cache."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.fit.remedies import detail, gaps, remedy, unit
from modelyard.sizing import Fit, FitVerdict, fits, refusals
from modelyard.view import Environment

_SHARE, _DEFAULT_SHARE = "gpu-memory-utilization", 0.9


@rule("fit/weights-beyond-device", error, since="0.1.0")
def weights_beyond_device(environment: Environment) -> Iterator[Finding | NotChecked]:
    """If the weights leave no memory for the KV cache, the engine fails with out-of-memory errors in a loop."""
    for fit in fits(environment):
        worst = fit.worst
        if worst is None or fit.shape is None:
            yield from gaps(fit)
            continue
        assessment = worst.assessment
        budget = assessment.budget
        if assessment.verdict is not FitVerdict.DOES_NOT_FIT or budget.kv_available_gib > 0:
            continue
        if any(refusals(fit.shape, assessment.settings, assessment.device)):
            continue
        used = budget.requested_gib - budget.kv_available_gib
        cause = _cause(fit, used, budget.total_gib)
        yield Finding(
            at=fit.model.settings.at(cause),
            message=f"{fit.model.name} needs {used:.1f} GiB per {unit(assessment)} without any KV cache "
            f"({budget.weights_gib:.1f} GiB of weights); {assessment.device.name} provides "
            f"{budget.requested_gib:.1f} GiB",
            fix=f"set {_SHARE} to {_DEFAULT_SHARE}" if cause == _SHARE else remedy(fit, worst),
            detail=detail(fit, worst),
        )


def _cause(fit: Fit, used_gib: float, total_gib: float) -> str:
    """Return the setting to look at: the share of the device where the usual one would do, else the model."""
    share = fit.model.settings.get(_SHARE)
    small = isinstance(share, int | float) and share < _DEFAULT_SHARE
    return _SHARE if small and used_gib < total_gib * _DEFAULT_SHARE else "model"
