"""vLLM on Neuron cores (NxD Inference): compiled shapes, and a cache that is reserved whole."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.catalog import Device, ModelShape
from modelyard.sizing.fit import FitVerdict, uncalibrated_slack_gib
from modelyard.sizing.kv_cache import layer_bytes_per_token
from modelyard.sizing.overheads import GIB, not_modelled
from modelyard.sizing.parallelism import tensor_parallel_problem
from modelyard.sizing.settings import EffectiveSettings
from modelyard.sizing.weights import rank_weights

SMALLEST_BUCKET = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronBudget:
    """Memory of one logical NeuronCore, in GiB.

    Attributes:
        cores: Logical cores that the deployment takes (`tensor-parallel-size`).
        devices: Devices that hold as many cores.
        core_gib: Memory of a core: its share of the device's.
        weights_gib: Weights of a core.
        kv_gib: Cache of a core for `max-num-seqs` requests of `max-model-len`, all reserved.
        buckets: Lengths that are compiled by default, for context and for token generation.
        verdict: "fits" needs the margin of what is not calibrated; there is no public log.
        reasons: Why, in sentences without a final stop.
    """

    cores: int
    devices: int
    core_gib: float
    weights_gib: float
    kv_gib: float
    buckets: tuple[int, ...]
    verdict: FitVerdict
    reasons: tuple[str, ...]


def automatic_buckets(max_model_len: int) -> tuple[int, ...]:
    """Return the lengths that are compiled when none are named: powers of two from 128 to the limit."""
    buckets = []
    length = SMALLEST_BUCKET
    while length < max_model_len:
        buckets.append(length)
        length *= 2
    return (*buckets, max_model_len)


def neuron_budget(shape: ModelShape, settings: EffectiveSettings, device: Device) -> NeuronBudget:
    """Return the budget of a core.

    The cache is 2 x layers x key-value heads x head size x bytes for every token of every request, divided among the
    cores and reserved at start (vLLM user guide of NxD Inference).

    Args:
        shape: The model.
        settings: The settings; `tensor-parallel-size` counts logical cores.
        device: A Neuron device.

    Raises:
        ValueError: The device is none.
    """
    if device.logical_cores is None:
        raise ValueError(f"{device.name} is no Neuron device")
    cores = settings.tensor_parallel_size
    core_gib = device.nominal_mib / 1024 / device.logical_cores
    weights = rank_weights(shape, settings, device).total / GIB
    tokens = settings.max_num_seqs * max(settings.max_model_len, 1)
    cache = shape.layers * layer_bytes_per_token(shape, settings) * tokens / GIB
    margin = core_gib - weights - cache
    reasons = [
        f"{weights:.1f} GiB of weights and {cache:.1f} GiB of cache ({settings.max_num_seqs} requests of "
        f"{settings.max_model_len} tokens) on a core of {core_gib:.1f} GiB"
    ]
    split = tensor_parallel_problem(shape, cores)
    gaps = [*not_modelled(shape, settings), *(["experts on Neuron"] if shape.experts else [])]
    if split:
        verdict, reasons = FitVerdict.DOES_NOT_FIT, [split]
    elif margin < 0:
        verdict = FitVerdict.DOES_NOT_FIT
    elif gaps:
        verdict = FitVerdict.UNSURE
        reasons.append(f"not modelled: {', '.join(gaps)}")
    else:
        verdict = FitVerdict.FITS if margin >= uncalibrated_slack_gib(core_gib) else FitVerdict.UNSURE
    return NeuronBudget(
        cores=cores,
        devices=-(-cores // device.logical_cores),
        core_gib=core_gib,
        weights_gib=weights,
        kv_gib=cache,
        buckets=automatic_buckets(settings.max_model_len),
        verdict=verdict,
        reasons=tuple(reasons),
    )
