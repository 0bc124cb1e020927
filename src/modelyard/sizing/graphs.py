"""What CUDA graphs take: the engine captures each layer of a rank once for every size of batch that it prepares."""

from __future__ import annotations

from modelyard.catalog import ModelShape
from modelyard.sizing.parallelism import stage_layers
from modelyard.sizing.settings import EffectiveSettings

GRAPH_MIB = 0.34
"""Memory of one layer at one size in MiB.

Regression through the origin of what twelve public logs of one rank print on layers x sizes (0.10.2 to 0.26.0, dense
models, experts and recurrent layers alike): 0.1 to 1.11 GiB, none more than 0.52 GiB from the rule.
"""

LEAST_GIB = 0.25
"""What remains with few sizes; logged 0.26 and 0.27 GiB for three."""

SEVERAL_RANKS = 1.5
"""The same for several ranks, whose buffers for reducing are registered with each graph."""

MOST_OF_ONE, MOST_OF_SEVERAL = 1.5, 2.0
"""How many times the rule graphs may take: 0.83 and 1.03 GiB were logged where it says 0.51 and 0.80 for one rank,
2.04 and 2.37 GiB where it says 1.08 and 1.07 for four and two."""

FIRST_ENGINE_GIB = 0.5
"""Budget of the V0 engine, which captures whole steps; logged 0.27 GiB, and 1.12 GiB with adapters."""


def captured_sizes(settings: EffectiveSettings) -> int:
    """Return how many sizes of batches are captured (`_set_cudagraph_sizes` in `vllm/config`, 0.8.4 to 0.33.0)."""
    largest = 512
    if settings.version >= (0, 10, 0):  # before, the requests of a batch did not count
        largest = min(2 * settings.max_num_seqs * (1 + settings.speculative_tokens), 512)
    largest = min(largest, settings.max_num_batched_tokens)
    step = 16 if settings.version >= (0, 12, 0) else 8
    small = sum(1 for size in (1, 2, 4) if size <= largest)
    return small + len(range(8, min(256, largest + 1), 8)) + len(range(256, largest + 1, step))


def cuda_graphs_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return the budget for CUDA graphs of a rank in GiB; 0 with `enforce-eager`."""
    if settings.enforce_eager:
        return 0.0
    ranks = SEVERAL_RANKS if settings.tensor_parallel_size > 1 else 1.0
    return max(LEAST_GIB, ranks * _by_rule_gib(shape, settings))


def most_graphs_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return what CUDA graphs may take outside the budget at most, in GiB: before 0.20 they lie there."""
    if settings.enforce_eager:
        return 0.0
    most = MOST_OF_SEVERAL if settings.tensor_parallel_size > 1 else MOST_OF_ONE
    return max(LEAST_GIB, most * _by_rule_gib(shape, settings))


def _by_rule_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    if settings.first_engine:
        return FIRST_ENGINE_GIB
    layers = max(stage_layers(shape.layers, settings.pipeline_parallel_size))
    return GRAPH_MIB * layers * captured_sizes(settings) / 1024
