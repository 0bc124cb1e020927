"""Tensor parallelism that the model cannot be split by."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.fit.remedies import gaps
from modelyard.rules.wording import either, plural
from modelyard.sizing import fits, legal_tensor_parallel_sizes
from modelyard.view import Environment

_MOST = 16


@rule("fit/indivisible-attention-heads", error, since="0.1.0")
def indivisible_attention_heads(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Unless tensor-parallel-size divides the number of attention heads, vLLM exits at start-up."""
    for fit in fits(environment):
        if fit.shape is None:
            yield from gaps(fit)
            continue
        settings = fit.model.settings
        heads, ranks = fit.shape.attention_heads, settings.tensor_parallel_size
        if heads % ranks == 0:
            continue
        legal = legal_tensor_parallel_sizes(fit.shape, _MOST)
        yield Finding(
            at=settings.at("tensor-parallel-size"),
            message=f"{fit.model.name} has {heads} attention heads, which {plural(ranks, 'rank')} cannot share evenly",
            fix=f"use tensor-parallel-size {either(legal)} and as many devices",
        )
