"""Diffusion pipelines, by component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.catalog import Device, Model
from modelyard.sizing.fit import FitVerdict, uncalibrated_slack_gib
from modelyard.sizing.overheads import GIB
from modelyard.sizing.settings import DTYPE_BYTES


@dataclass(frozen=True, slots=True)
class PipelineBudget:
    """Weights of a pipeline on one device, in GiB.

    Attributes:
        components_gib: Weights of each component that stays on the device.
        total_gib: Memory of the device.
        verdict: Never "fits": what an image of some size needs beside the weights is not modelled.
        reason: Why, in one sentence without a final stop.
    """

    components_gib: Mapping[str, float]
    total_gib: float
    verdict: FitVerdict
    reason: str


def component_sizes_gib(entry: Model, dtype: str = "bfloat16") -> dict[str, float]:
    """Return the weights of each component of a pipeline in GiB; empty for a model that is none."""
    each = DTYPE_BYTES.get(dtype, 2.0)
    return {name: billion * 1e9 * each / GIB for name, billion in (entry.components_billion or {}).items()}


def pipeline_budget(
    entry: Model,
    device: Device,
    *,
    dtype: str = "bfloat16",
    offloaded: tuple[str, ...] = (),
    total_gib: float | None = None,
) -> PipelineBudget | None:
    """Return whether a diffusion pipeline's components fit a device together.

    Args:
        entry: A model of the catalogue with its parameters by component.
        device: The device.
        dtype: Type of the weights.
        offloaded: Components that are kept in the pod's memory.
        total_gib: Memory of the device where it is not the device's own.

    Returns:
        The budget, or None for a model whose components are not known.
    """
    if not entry.components_billion:
        return None
    sizes = {name: size for name, size in component_sizes_gib(entry, dtype).items() if name not in offloaded}
    weights, total = sum(sizes.values()), total_gib or device.total_gib
    room = total - weights
    if room < 0:
        reason = f"the components weigh {weights:.1f} GiB, the device has {total:.1f} GiB"
        return PipelineBudget(sizes, total, FitVerdict.DOES_NOT_FIT, reason)
    near = " and that is little" if room < uncalibrated_slack_gib(total) else ""
    reason = f"{room:.1f} GiB are left beside {weights:.1f} GiB of weights{near}; activations are not modelled"
    return PipelineBudget(sizes, total, FitVerdict.UNSURE, reason)
