"""Neuron cores that hold neither weights nor cache."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.fit.remedies import gaps
from modelyard.sizing import FitVerdict, fits
from modelyard.view import Environment


@rule("fit/neuron-core-too-small", error, since="0.1.0")
def neuron_core_too_small(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A NeuronCore must hold the weights and the KV cache of all requests, or the engine exits at start-up."""
    for fit in fits(environment):
        yield from gaps(fit)
        for each in fit.cores[:1]:
            budget = each.budget
            told = f"{each.eligible.device.name}: {budget.reasons[-1]}"
            if budget.verdict is FitVerdict.UNSURE:
                reason = f"the estimate is uncertain; {told}"
                yield NotChecked(fit.model, reason, application=fit.model.application.name)
            elif budget.verdict is FitVerdict.DOES_NOT_FIT:
                too_much = budget.weights_gib + budget.kv_gib > budget.core_gib
                yield Finding(
                    at=fit.model.settings.at("max-model-len" if too_much else "tensor-parallel-size"),
                    message=f"{fit.model.name} does not fit on the cores of {told}",
                    fix="lower max-num-seqs or max-model-len, or raise tensor-parallel-size and the number of devices"
                    if too_much
                    else "change tensor-parallel-size, and the number of devices accordingly",
                )
