"""A budget that a start-up log showed; it beats arithmetic for the same model, version and device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from modelyard.catalog import Device, ModelShape
from modelyard.findings import UserError
from modelyard.sizing.budget import MemoryBudget
from modelyard.sizing.engine_defaults import parsed_version
from modelyard.sizing.kv_cache import has_windows, largest_length
from modelyard.sizing.overheads import GIB, activation_gib
from modelyard.sizing.settings import EffectiveSettings

SAME = (
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "data_parallel_size",
    "max_num_seqs",
    "max_num_batched_tokens",
    "kv_cache_dtype",
    "quantization",
)
"""Settings that a log must agree with where it names them; the length may differ."""

CORRECTED = ("max_num_seqs", "max_num_batched_tokens")
"""Settings of a measurement whose difference is corrected by what it changes in the estimate."""


def conditions_of(settings: EffectiveSettings) -> str:
    """Return what else memory follows from, as one text: only what is not the engine's default is named."""
    off = {
        "expert-parallel": settings.expert_parallel,
        "enforce-eager": settings.enforce_eager,
        "without-images": not settings.images,
        "without-encoder-profile": not settings.profiles_encoder,
        "whole-encoder": settings.whole_encoder,
        "without-hybrid-cache": bool(settings.hybrid_off),
        "cached-states": settings.prefix_caching_of_states,
        "v0": settings.first_engine,
        "pooling": settings.pooling,
        "cache-by-hand": settings.kv_cache_memory_bytes is not None,
        f"block-size-{settings.block_size}": settings.block_size != 16,
        f"context-ranks-{settings.decode_context_parallel_size}": settings.decode_context_parallel_size > 1,
        f"dtype-{settings.dtype}": settings.dtype not in ("bfloat16", "float16"),
    }
    return ",".join(name for name, holds in off.items() if holds) or "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredBudget:
    """What a start-up log says; None where it does not.

    Attributes:
        model: The model as the log names it.
        version: vLLM's version.
        device: Name of the device; logs of vLLM do not print it, so whoever stores the budget adds it.
        tensor_parallel_size: Ranks that share each layer.
        pipeline_parallel_size: Pipeline stages.
        data_parallel_size: Copies.
        gpu_memory_utilization: Share of the device that the engine took.
        max_model_len: Longest request.
        max_num_seqs: Requests of one batch, when set.
        max_num_batched_tokens: Tokens of one batch, when set.
        kv_cache_dtype: Type of the cache.
        speculative: Method of speculative decoding; empty without.
        max_loras: Slots for adapters.
        cpu_offload_gb: Weights of a rank that stay in the pod's memory, in GiB.
        quantization: Quantisation as the engine names it.
        conditions: What else memory follows from (`conditions_of`); empty in files that were written before it.
        arguments: What the log says that the engine was started with; None where it does not. No file keeps it.
        total_gib: Memory of the device.
        weights_gib: Weights of the rank that holds most.
        activation_gib: Peak of the profile run.
        non_torch_gib: Libraries.
        cuda_graphs_gib: CUDA graphs.
        kv_available_gib: Cache of the rank that has least.
        kv_tokens: Tokens that the cache holds.
        refused: The message with which the engine gave up; empty when it started.
    """

    model: str = ""
    version: str = ""
    device: str = ""
    tensor_parallel_size: int | None = None
    pipeline_parallel_size: int | None = None
    data_parallel_size: int | None = None
    gpu_memory_utilization: float | None = None
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    kv_cache_dtype: str | None = None
    speculative: str = ""
    max_loras: int | None = None
    cpu_offload_gb: float | None = None
    quantization: str | None = None
    conditions: str = ""
    arguments: Mapping[str, Any] | None = field(default=None, compare=False)
    total_gib: float | None = None
    weights_gib: float | None = None
    activation_gib: float | None = None
    non_torch_gib: float | None = None
    cuda_graphs_gib: float | None = None
    kv_available_gib: float | None = None
    kv_tokens: int | None = None
    refused: str = ""

    def to_mapping(self) -> dict[str, Any]:
        """Return the known figures in kebab case, for a file."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "arguments"}
        return {name.replace("_", "-"): value for name, value in values.items() if value not in (None, "")}

    @classmethod
    def from_mapping(cls, raw: Mapping[str, Any]) -> MeasuredBudget:
        """Return what `to_mapping` wrote.

        Raises:
            UserError: A field is unknown.
        """
        known = {each.name.replace("_", "-"): each.name for each in fields(cls)}
        known.pop("arguments")
        unknown = sorted(map(str, set(raw) - set(known)))
        if unknown:
            raise UserError(
                f"a measured budget has no field {', '.join(unknown)}", fix="write it with modelyard fit --from-log"
            )
        return cls(**{known[name]: value for name, value in raw.items()})

    def budget_for(
        self, estimate: MemoryBudget, shape: ModelShape, settings: EffectiveSettings, device: Device
    ) -> MemoryBudget | None:
        """Return the estimate with the measured figures in it, or None when the log is of another deployment.

        The cache is corrected for a utilisation that differs from the log's; the length may differ freely.
        """
        same_version = parsed_version(self.version) == settings.version
        same_device = not self.device or self.device.lower() == device.name.lower()
        if self.kv_available_gib is None or not same_version or not same_device:
            return None
        for name in SAME:
            logged, asked = getattr(self, name), getattr(settings, name)
            corrected = bool(self.conditions) and name in CORRECTED and logged is not None
            if logged not in (None, "") and asked not in ("", "auto") and logged != asked and not corrected:
                return None
        if self.conditions and self.conditions != conditions_of(settings):
            return None
        # What a log does not name was not switched on, and takes memory where it is.
        if (self.speculative, self.max_loras or 0, self.cpu_offload_gb or 0.0) != (
            settings.speculative,
            settings.lora_slots,
            settings.cpu_offload_gib,
        ):
            return None
        total = self.total_gib or estimate.total_gib
        logged_share = self.gpu_memory_utilization or settings.gpu_memory_utilization
        available = self.kv_available_gib + total * (settings.gpu_memory_utilization - logged_share)
        available += self._batches_gib(shape, settings)
        room = max(0.0, available) * GIB
        need = estimate.kv_request_gib * GIB
        exact = int(room / estimate.kv_bytes_per_token) if estimate.kv_bytes_per_token else 0
        windows = has_windows(shape, settings)
        return replace(
            estimate,
            total_gib=total,
            requested_gib=total * settings.gpu_memory_utilization,
            weights_gib=_known(self.weights_gib, estimate.weights_gib),
            activation_gib=_known(self.activation_gib, estimate.activation_gib),
            non_torch_gib=_known(self.non_torch_gib, estimate.non_torch_gib),
            cuda_graphs_gib=_known(self.cuda_graphs_gib, estimate.cuda_graphs_gib),
            kv_available_gib=available,
            largest_length=largest_length(shape, settings, room, estimate.stage),
            tokens=int(room / need * estimate.max_model_len) if windows and need else exact,
            requests=int(room / need) if need else 0,
            margin_gib=estimate.margin_gib + available - estimate.kv_available_gib,
            not_modelled=(),
            measured=True,
        )

    def _batches_gib(self, shape: ModelShape, settings: EffectiveSettings) -> float:
        """Return what the cache gains where batches are smaller than the log's, less what it loses where larger."""
        if not self.conditions:
            return 0.0
        sizes = {name: getattr(self, name) for name in CORRECTED if getattr(self, name) is not None}
        then = replace(settings, **sizes)
        last = settings.pipeline_parallel_size == 1
        return activation_gib(shape, then, last_stage=last) - activation_gib(shape, settings, last_stage=last)


def _known(measured: float | None, estimated: float) -> float:
    return estimated if measured is None else measured
