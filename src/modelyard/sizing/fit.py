"""Whether a model fits its devices, why, and what would make it fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from modelyard.catalog import Device, ModelShape
from modelyard.placement import MIG, MPS, WHOLE_DEVICES, Sharing
from modelyard.sizing.budget import MemoryBudget, memory_budget
from modelyard.sizing.calibration import Coverage, coverage
from modelyard.sizing.measured import MeasuredBudget
from modelyard.sizing.settings import EffectiveSettings, effective_settings
from modelyard.sizing.support import CUDA_CONTEXT_GIB, refusals


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


MEASURED_SLACK_GIB = 0.25
"""How far a second start on the same version and device may be from the first."""


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
        near = f"nearest calibrated log: {self.coverage.point.title}"
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
    margin = budget.margin_gib
    slack = MEASURED_SLACK_GIB if near is None else calibrated_slack_gib(budget.total_gib)
    arithmetic = _arithmetic(budget)
    if margin < -slack or budget.kv_available_gib <= -slack:
        return FitVerdict.DOES_NOT_FIT, [arithmetic]
    doubts = [*(problem.message for problem in settings.problems), *shared]
    if budget.not_modelled:
        doubts.append(f"not modelled: {', '.join(budget.not_modelled)}")
    if budget.total_gib - budget.requested_gib < CUDA_CONTEXT_GIB:
        doubts.append(
            f"gpu-memory-utilization {settings.gpu_memory_utilization:g} leaves "
            f"{max(0.0, budget.total_gib - budget.requested_gib):.1f} GiB outside, and vLLM refuses to start when less "
            "is free than it takes"
        )
    if doubts:
        return FitVerdict.UNSURE, [*doubts, arithmetic]
    if margin >= needed:
        return FitVerdict.FITS, [arithmetic]
    if near is None or near.covered:
        verdict = FitVerdict.TIGHT if margin >= 0 else FitVerdict.UNSURE
        return verdict, [arithmetic, f"{margin:.1f} GiB is within the error of the estimate ({slack:.1f} GiB)"]
    verdict = FitVerdict.TIGHT if margin >= slack else FitVerdict.UNSURE
    return verdict, [arithmetic, f"a margin of {needed:.1f} GiB is asked for outside the calibrated logs"]


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


def _arithmetic(budget: MemoryBudget) -> str:
    if budget.kv_available_gib <= 0:
        return f"{-budget.kv_available_gib:.1f} GiB are missing per device before the KV cache gets any"
    if not budget.kv_bytes_per_token and not budget.kv_request_gib:
        return f"{budget.kv_available_gib:.1f} GiB per device are left beside the weights; this model keeps no cache"
    return (
        f"{budget.kv_available_gib:.1f} GiB per device are left for the KV cache; one request of "
        f"{budget.max_model_len} tokens needs {budget.kv_request_gib:.1f} GiB"
    )
