"""Whether a model fits its devices, why, and what would make it fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from modelyard.catalog import Device, ModelShape
from modelyard.catalog.architectures import has_architecture
from modelyard.placement import MIG, MPS, WHOLE_DEVICES, Sharing
from modelyard.sizing.budget import MemoryBudget, memory_budget
from modelyard.sizing.calibration import Coverage, coverage
from modelyard.sizing.graphs import most_graphs_gib
from modelyard.sizing.measured import MeasuredBudget
from modelyard.sizing.overheads import counts_gib, sampler_peak_gib
from modelyard.sizing.runners import COUNTED_SINCE
from modelyard.sizing.settings import EffectiveSettings, effective_settings
from modelyard.sizing.support import CUDA_CONTEXT_GIB, doubts, refusals
from modelyard.sizing.weights import effective_quantization


class FitVerdict(StrEnum):
    """Whether the deployment starts and serves its longest request."""

    FITS = "fits"
    TIGHT = "tight"
    DOES_NOT_FIT = "does not fit"
    UNSURE = "unsure"


def calibrated_slack_gib(total_gib: float) -> float:
    """Return how far a calibrated estimate may be off: 1 GiB or 2 % of the device."""
    return max(1.0, 0.02 * total_gib)


def uncalibrated_slack_gib(total_gib: float) -> float:
    """Return the margin that "fits" needs outside the calibrated versions and devices: 2 GiB or 5 % of the device."""
    return max(2.0, 0.05 * total_gib)


def refusal_slack_gib(total_gib: float) -> float:
    """Return how far an estimate may be below what a log says: 0.5 GiB or 1.5 % of the device.

    Logs of one to four ranks that the estimate was held against had 0.41 GiB more than it said at most, but for one
    whose model does not follow the sampler's rule.
    """
    return max(0.5, 0.015 * total_gib)


MEASURED_SLACK_GIB = 0.25
"""How far a second start on the same version and device may be from the first."""


SAMPLER_MEASURED = (0, 8, 2)
"""Since then the V1 engine measures its sampler (in 0.8.2); a log of 0.8.1 ran out of memory when it warmed it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A budget with its verdict.

    Attributes:
        verdict: The verdict.
        reasons: Why, in sentences without a final stop; the first decides.
        budget: The budget of the tightest rank.
        settings: The settings, defaults filled in.
        device: The device of each rank.
        needed_margin_gib: Margin that "fits" needs here.
        coverage: The nearest calibrated start-up log; None when the budget was measured.
        sharing: How the node shares the device among pods.
        draft: Shape of the draft model of speculative decoding, where it is known.
    """

    verdict: FitVerdict
    reasons: tuple[str, ...]
    budget: MemoryBudget
    settings: EffectiveSettings
    device: Device
    needed_margin_gib: float
    coverage: Coverage | None
    sharing: Sharing = WHOLE_DEVICES
    draft: ModelShape | None = None

    @property
    def basis(self) -> str:
        """What the figures rest on, for the end of a message."""
        if self.coverage is None:
            return "measured at start-up of this model, version and device"
        near = f"closest measured run: {self.coverage.point.title}"
        return near if self.coverage.covered else f"{near}; differs in {self.coverage.reason}"


def assess(
    flags: Mapping[str, Any],
    version: str,
    shape: ModelShape,
    device: Device,
    *,
    total_gib: float | None = None,
    environment: Mapping[str, str] | None = None,
    measured: MeasuredBudget | None = None,
    sharing: Sharing = WHOLE_DEVICES,
    draft: ModelShape | None = None,
) -> Assessment:
    """Return whether a deployment fits.

    Args:
        flags: Flag to value, as the command line and the settings file together say.
        version: vLLM's version.
        shape: The model.
        device: The device of each rank.
        total_gib: Memory of the device where it is not the device's own (a slice or share).
        environment: Environment variables of the engine's container.
        measured: What a start-up log of this model, version and device says; taken where it applies.
        sharing: How the node shares the device among pods; whole devices when not given.
        draft: Shape of the draft model of speculative decoding, where it is known.

    Raises:
        ValueError: The version is none.
    """
    settings = effective_settings(
        flags, version, shape, device, total_gib=total_gib, environment=environment, sharers=sharing.pods
    )
    estimate = memory_budget(shape, settings, device, total_gib=total_gib, draft=draft)
    known = measured.budget_for(estimate, shape, settings, device) if measured is not None else None
    budget = known or estimate
    near = None if known is not None else coverage(shape, settings, device, total_gib=total_gib)
    if known is not None and measured is not None and (measured.kv_tokens or 0) >= budget.max_model_len:
        # The engine itself said that a request of this length has room beside whatever the weights are.
        shape = replace(shape, unmodelled=())
    needed = _needed_margin(budget, near)
    verdict, reasons = _verdict(shape, settings, device, budget, near, needed, _of_sharing(sharing, budget, device))
    return Assessment(
        verdict=verdict,
        reasons=tuple(reasons),
        budget=budget,
        settings=settings,
        device=device,
        needed_margin_gib=needed,
        coverage=near,
        sharing=sharing,
        draft=draft,
    )


def _needed_margin(budget: MemoryBudget, near: Coverage | None) -> float:
    if near is None:
        return MEASURED_SLACK_GIB
    return (calibrated_slack_gib if near.covered else uncalibrated_slack_gib)(budget.total_gib)


def _verdict(
    shape: ModelShape,
    settings: EffectiveSettings,
    device: Device,
    budget: MemoryBudget,
    near: Coverage | None,
    needed: float,
    shared: list[str],
) -> tuple[FitVerdict, list[str]]:
    refused = list(refusals(shape, settings, device))
    if refused:
        return FitVerdict.DOES_NOT_FIT, [f"vLLM refuses to start: {reason}" for reason in refused]
    arithmetic = _arithmetic(budget, settings)
    if unknown := [*shape.unknown_weights, *_unknown_quantization(shape, settings)]:
        # What is not known is counted in no way, so that no figure decides.
        return FitVerdict.UNSURE, [f"not modelled: {', '.join(unknown)}"]
    if has_architecture(settings.version, _own_architecture(shape.architecture)) is False:
        version = ".".join(map(str, settings.version))
        missing = f"vLLM {version} has no model {shape.architecture}; whether it runs by Transformers is not known"
        return FitVerdict.UNSURE, [missing, arithmetic]
    margin, more, less = budget.margin_gib, budget.more_gib, budget.less_gib
    slack = MEASURED_SLACK_GIB if near is None else calibrated_slack_gib(budget.total_gib)
    if near is not None and near.covered:
        less = 0.0  # the calibrated log of this version and device took what is estimated
    short = MEASURED_SLACK_GIB if near is None else refusal_slack_gib(budget.total_gib)
    if margin + less < -short or budget.kv_available_gib + less <= -short:
        return FitVerdict.DOES_NOT_FIT, [arithmetic]
    if unmeasured := _unmeasured_sampler(shape, settings, budget):
        needed_outside, left = unmeasured
        verdict = FitVerdict.DOES_NOT_FIT if needed_outside > left else FitVerdict.UNSURE
        return verdict, [
            f"vLLM {'.'.join(map(str, settings.version))} fills its share before it warms up its sampler, which takes "
            f"{needed_outside:.1f} GiB for {settings.max_num_seqs} requests; {left:.1f} GiB are left outside",
            arithmetic,
        ]
    open_questions = [*(problem.message for problem in settings.problems), *shared, *doubts(shape, settings, device)]
    if budget.not_modelled:
        open_questions.append(f"not modelled: {', '.join(budget.not_modelled)}")
    open_questions += _outside(shape, settings, budget)
    if open_questions:
        return FitVerdict.UNSURE, [*open_questions, arithmetic]
    if margin - more >= needed:
        return FitVerdict.FITS, [arithmetic]
    bounded = f" beside {more:.1f} GiB that parts may take more" if more > 0 else ""
    if near is None or near.covered:
        verdict = FitVerdict.TIGHT if margin - more >= 0 else FitVerdict.UNSURE
        return verdict, [arithmetic, f"{margin:.1f} GiB is within the error of the estimate ({slack:.1f} GiB){bounded}"]
    verdict = FitVerdict.TIGHT if margin - more >= slack else FitVerdict.UNSURE
    return verdict, [arithmetic, f"a margin of {needed:.1f} GiB is asked for outside the calibrated logs{bounded}"]


def _own_architecture(architecture: str) -> str:
    """Return the architecture that vLLM serves one by: a classifier or an embedding model is a decoder's."""
    for suffix in ("ForSequenceClassification", "Model"):
        if architecture.endswith(suffix) and has_architecture(LISTED, architecture) is not True:
            return f"{architecture.removesuffix(suffix)}ForCausalLM"
    return architecture


LISTED = (0, 33, 0)
"""The newest version whose architectures were read."""


def _unknown_quantization(shape: ModelShape, settings: EffectiveSettings) -> list[str]:
    """Return a `--quantization` that says how weights are stored that the config does not say."""
    asked = settings.quantization
    known = effective_quantization(shape, settings) is not None
    return [f"weights quantised by {asked}"] if asked and asked != "None" and not known else []


def _unmeasured_sampler(
    shape: ModelShape, settings: EffectiveSettings, budget: MemoryBudget
) -> tuple[float, float] | None:
    """Return what a sampler takes that the engine does not measure, and what its share leaves; None where it does."""
    if settings.first_engine or not (0, 8, 0) <= settings.version < SAMPLER_MEASURED:
        return None
    return sampler_peak_gib(shape, settings), max(0.0, budget.total_gib - budget.requested_gib)


def _outside(shape: ModelShape, settings: EffectiveSettings, budget: MemoryBudget) -> list[str]:
    """Return what is unsure because of what the engine takes outside its share of the device."""
    left = max(0.0, budget.total_gib - budget.requested_gib)
    share = f"gpu-memory-utilization {settings.gpu_memory_utilization:g} leaves {left:.1f} GiB outside"
    if left < CUDA_CONTEXT_GIB:
        return [f"{share}, and vLLM refuses to start when less is free than it takes"]
    graphs = 0.0 if settings.cuda_graphs_subtracted else most_graphs_gib(shape, settings)
    counts = counts_gib(shape, settings) if settings.version < COUNTED_SINCE else 0.0
    if graphs and left < CUDA_CONTEXT_GIB + graphs + counts:
        return [
            f"{share}, where CUDA graphs may need {graphs + counts:.1f} GiB beside the CUDA context: vLLM "
            f"{'.'.join(map(str, settings.version))} captures them after it has filled its share"
        ]
    return []


def _of_sharing(sharing: Sharing, budget: MemoryBudget, device: Device) -> list[str]:
    """Return what is unsure because pods share the device."""
    if sharing.unknown:
        return [sharing.unknown]
    if sharing.strategy == MIG and budget.total_gib >= device.total_gib:
        return ["its nodes cut their devices by MIG, and no profile is set for this one"]
    if sharing.strategy == MPS:
        return [f"under MPS {sharing.pods} pods share the device; how much of it each engine sees is not modelled"]
    left = budget.total_gib / sharing.pods - budget.requested_gib
    if sharing.pods > 1 and left < CUDA_CONTEXT_GIB:
        return [
            f"{sharing.pods} pods share the device, and {max(0.0, left):.1f} GiB of a share are left for what each "
            "process takes outside the engine's budget"
        ]
    return []


def _arithmetic(budget: MemoryBudget, settings: EffectiveSettings) -> str:
    if budget.kv_available_gib <= 0:
        return f"{-budget.kv_available_gib:.1f} GiB are missing per device before the KV cache gets any"
    if not budget.kv_bytes_per_token and not budget.kv_request_gib:
        return f"{budget.kv_available_gib:.1f} GiB per device are left beside the weights; this model keeps no cache"
    if budget.concurrency_gib > budget.kv_request_gib:
        blocks = int(settings.max_num_seqs * budget.kv_available_gib / budget.concurrency_gib)
        return (
            f"{budget.kv_available_gib:.1f} GiB per device are left for the cache, {blocks} blocks; max-num-seqs "
            f"{settings.max_num_seqs} needs a block of recurrent state for each, {budget.concurrency_gib:.1f} GiB"
        )
    return (
        f"{budget.kv_available_gib:.1f} GiB per device are left for the KV cache; one request of "
        f"{budget.max_model_len} tokens needs {budget.kv_request_gib:.1f} GiB"
    )
