"""What vLLM refuses before it looks at memory."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.catalog import Device, LayerKind, ModelShape
from modelyard.sizing.parallelism import tensor_parallel_problem
from modelyard.sizing.settings import STORED_CACHES, EffectiveSettings
from modelyard.sizing.weights import effective_quantization

CUDA_CONTEXT_GIB = 0.6
"""Upper guess of what the CUDA context takes before the engine measures; not calibrated."""

LEAST_CAPABILITY = {
    "awq": (7, 5),
    "gptq": (6, 0),
    "fp8": (7, 5),
    "modelopt-fp8": (8, 0),
    "fbgemm_fp8": (8, 0),
    "mxfp4": (8, 0),
    "nvfp4": (7, 5),
}
"""Least compute capability of a quantisation, weight-only kernels included (vLLM 0.33.0)."""


def refusals(shape: ModelShape, settings: EffectiveSettings, device: Device) -> Iterator[str]:
    """Yield why vLLM would not start whatever the memory; nothing when no check stands in the way."""
    split = tensor_parallel_problem(shape, settings.tensor_parallel_size, expert_parallel=settings.expert_parallel)
    if split:
        yield split
    if settings.pipeline_parallel_size > shape.layers:
        yield f"{shape.layers} layers cannot be shared by {settings.pipeline_parallel_size} pipeline stages"
    yield from _context_parallel(shape, settings)
    tokens, requests = settings.max_num_batched_tokens, settings.max_num_seqs
    if tokens < requests:
        # `SchedulerConfig.verify_max_model_len`, 0.16.0 to 0.33.0
        yield f"max-num-batched-tokens {tokens} is less than max-num-seqs {requests}"
    yield from _whole_prompts(shape, settings)
    if settings.hybrid_off and any(group.kind is LayerKind.RECURRENT for group in shape.layer_groups):
        # `unify_hybrid_kv_cache_specs` cannot make one kind of recurrent and other layers.
        yield f"recurrent layers need the hybrid cache manager, which {settings.hybrid_off} turns off"
    if settings.gpu_memory_utilization * settings.sharers > 1:
        yield (
            f"gpu-memory-utilization {settings.gpu_memory_utilization:g} of a device that {settings.sharers} pods "
            f"share leaves too little for the others; {largest_share(settings.sharers):g} or less is a share"
        )
    capability = device.compute_capability
    if capability is not None:
        have = ".".join(map(str, capability))
        if settings.dtype == "bfloat16" and capability < (8, 0):
            yield f"bfloat16 needs compute capability 8.0, {device.name} has {have}; dtype half runs there"
        if settings.kv_dtype.startswith("fp8") and capability < (needed := _fp8_cache_capability(shape)):
            need = ".".join(map(str, needed))
            yield f"an fp8 cache of this model needs compute capability {need}, {device.name} has {have}"
        stored = effective_quantization(shape, settings)
        least = LEAST_CAPABILITY.get(stored.method) if stored is not None else None
        if stored is not None and least is not None and capability < least:
            need = ".".join(map(str, least))
            yield f"{stored.method} weights need compute capability {need}, {device.name} has {have}"
    longest = shape.max_positions
    if longest and settings.max_model_len > longest and not settings.overrides_config:
        yield f"max-model-len {settings.max_model_len} is more than the {longest} tokens that the model allows"


def _fp8_cache_capability(shape: ModelShape) -> tuple[int, int]:
    """Return the least compute capability of an 8-bit cache.

    FlashInfer's kernels take one since 8.0; Triton's since 8.9, which alone are there for latent attention, for
    attention with sinks and for heads of two widths (`supports_combination` of the backends, 0.19.1 to 0.33.0).
    """
    by_triton = shape.latent_attention is not None or shape.architecture.startswith(("GptOss", "MiMoV2", "Gemma4"))
    return (8, 9) if by_triton else (8, 0)


BACKENDS_BY_CACHE = (0, 12, 0)
"""Since then an attention backend is chosen that takes the cache's type (in 0.19.1, not in 0.11.0)."""


STORED_READ = (0, 19, 0)
"""The first version that was read in which a checkpoint says the type of its cache."""


def doubts(shape: ModelShape, settings: EffectiveSettings, device: Device) -> Iterator[str]:
    """Yield what keeps it open whether vLLM starts, whatever the memory."""
    capability = device.compute_capability
    low = capability is not None and capability < (8, 9)
    if low and settings.kv_dtype.startswith("fp8") and settings.version < BACKENDS_BY_CACHE:
        yield "whether an fp8 cache runs below compute capability 8.9 is known since vLLM 0.12 only"
    if shape.kv_cache_dtype and settings.kv_cache_dtype == "auto" and STORED_CACHES <= settings.version < STORED_READ:
        yield f"whether this version takes the checkpoint's {shape.kv_cache_dtype} cache is not known"
    if settings.second_runner_asked:
        version = ".".join(map(str, settings.version))
        yield f"VLLM_USE_V2_MODEL_RUNNER asks for a runner that vLLM {version} does not choose for this model"


def _whole_prompts(shape: ModelShape, settings: EffectiveSettings) -> Iterator[str]:
    """Yield why a batch is too small for what cannot be cut (`SchedulerConfig.verify_max_model_len`, 0.33.0)."""
    if not settings.whole_prompts or settings.version < (0, 8, 0):
        return
    tokens = settings.max_num_batched_tokens
    if tokens < settings.max_model_len:
        yield (
            f"max-num-batched-tokens {tokens} is less than max-model-len {settings.max_model_len}, and prompts are not "
            "taken in chunks"
        )
    if tokens < shape.encoder_positions and settings.images:
        yield f"max-num-batched-tokens {tokens} is less than the {shape.encoder_positions} positions of the encoder"


def largest_share(sharers: int) -> float:
    """Return the largest utilisation with two decimals that as many engines may have at a time."""
    return (100 // sharers) / 100


def _context_parallel(shape: ModelShape, settings: EffectiveSettings) -> Iterator[str]:
    sharing, ranks = settings.decode_context_parallel_size, settings.tensor_parallel_size
    if sharing == 1:
        return
    if ranks % sharing:
        yield f"tensor-parallel-size {ranks} is no multiple of decode-context-parallel-size {sharing}"
    elif shape.latent_attention is None and sharing > max(1, ranks // shape.key_value_heads):
        yield (
            f"decode-context-parallel-size {sharing} needs {sharing} ranks for each of the "
            f"{shape.key_value_heads} key-value heads, there are {ranks} ranks"
        )
