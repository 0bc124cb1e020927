"""What a rank needs beside weights and cache: the profile run's peak, CUDA graphs, libraries, adapters."""

from __future__ import annotations

from modelyard.catalog import Device, ModelShape
from modelyard.sizing.compressed_cache import is_compressed, is_modelled
from modelyard.sizing.encoder_profile import encoder_kept_gib, encoder_peak_gib
from modelyard.sizing.runners import COUNT_BYTES, COUNTED_SINCE, sampler_bytes
from modelyard.sizing.settings import KV_DTYPE_BYTES, EffectiveSettings
from modelyard.sizing.weights import effective_quantization

GIB = float(2**30)

SAMPLER_FACTOR = 9.65
"""32-bit copies of the logits at the sampler's peak, where it sorts them: before 0.17, and for fewer than 8 requests.

Regression through the origin of the logged activation peak on requests x vocabulary x 4 bytes, over five rows of one
published table (vLLM 0.11.0 on H100, max-num-seqs 1024); `scripts/calibrate_sizing.py` prints it with each row left
out in turn. A sixth row of that table (Mistral-Small-3.2: 4.24) does not follow the rule. A log that it was not fitted
to agrees: 1.40 GiB for Qwen3-8B with 256 requests in early 2026, where the rule says 1.40.
"""

UNSORTED_FACTOR = 3.5
"""The same where a kernel masks the logits in place: since 0.17.

The 16-bit logits, their 32-bit copy, the probabilities and the noise that they are divided by are there at a time: 14
bytes a value (`Sampler.forward` and `forward_native` in `vllm/v1/sample`, 0.19.1 to 0.26.0, `_dummy_sampler_run`).
"""

FLASHINFER_FACTOR = 2.9
"""The same with FlashInfer's sampler before 0.17, where the environment asks for it.

From four public logs of vLLM 0.10.1 on A100 80 GB (Qwen2-7B at one and two ranks): 0.56 and 0.67 GiB beside weights
and cache, of which 0.15 and 0.25 are libraries. From 0.9 to 0.11 it also runs where the environment says nothing and
FlashInfer is installed (`topk_topp_sampler.py` of 0.11.0), which no flag tells: `sampler_doubt_gib`.
"""

UNSORTED_SINCE = (0, 17, 0)
"""First version whose sampler masks by a kernel of Triton's (in 0.17.1, not in 0.16.0)."""

MASK_ROWS = 132
"""Rows of the buffer of that kernel: one for each multiprocessor of the device, of which H100 and H200 have 132."""

NON_TORCH_GIB = 0.15
"""CUDA context's growth and libraries on one rank; logged 0.13 to 0.16 GiB."""

NON_TORCH_SEVERAL_GIB = 0.55
"""The same with NCCL for several ranks; logged 0.2 to 0.6 GiB for two to sixteen ranks without an NVSwitch."""

NON_TORCH_SWITCHED_GIB = 2.0
"""The same for eight ranks on an NVSwitch, where NCCL keeps channels to all of them; logged 1.74 to 2.2 GiB.

The middle of two logs that print it, and of three whose other parts are known (GLM-5.1 and Kimi-K2 on H200).
"""

SWITCHED = ("A100", "H100", "H200", "B200", "B300")
"""Devices that EC2 joins by an NVSwitch (p4, p5 and p6 instances)."""


def sampler_peak_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return the sampler's peak during the profile run, in GiB; it does not fall with tensor parallelism."""
    if settings.pooling:
        return 0.0
    requests = min(settings.max_num_seqs, settings.max_num_batched_tokens)
    if settings.second_runner:
        values = sampler_bytes(settings.version, settings.tensor_parallel_size) / 4 * requests
    elif settings.version >= UNSORTED_SINCE and requests >= 8:
        values = UNSORTED_FACTOR * requests + min(MASK_ROWS, requests)
    else:
        values = (FLASHINFER_FACTOR if settings.flashinfer_sampler else SAMPLER_FACTOR) * requests
    return values * shape.vocabulary * 4 / GIB


def counts_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return what the second model runner keeps for the penalties of all requests, in GiB."""
    if not settings.second_runner or settings.pooling:
        return 0.0
    return settings.max_num_seqs * shape.vocabulary * COUNT_BYTES / GIB


def sampler_doubt_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return by how much less the sampler may take because FlashInfer's may run, in GiB."""
    if settings.flashinfer_sampler_set or not (0, 9, 0) <= settings.version < (0, 12, 0):
        return 0.0
    return sampler_peak_gib(shape, settings) * (1 - FLASHINFER_FACTOR / SAMPLER_FACTOR)


def forward_peak_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return the layers' peak during the profile run, in GiB.

    The residual stream, the normed input and the attention's tensors stand beside the widest MLP: both halves of its
    first product, or what the experts of a token make of it. With experts of several copies every rank takes the
    tokens of all of them, in chunks of 32,768 (`VLLM_FUSED_MOE_CHUNK_SIZE`).
    """
    ranks, tokens = settings.tensor_parallel_size, settings.max_num_batched_tokens
    width = shape.intermediate_size or 0
    values = 6.0 * shape.hidden_size
    routed = 0.0
    if shape.experts is not None:
        moe = shape.experts
        width = max(moe.dense_intermediate_size if moe.layers < shape.layers else 0, moe.shared_intermediate_size)
        inner = moe.intermediate_size if settings.expert_parallel else moe.intermediate_size // ranks
        one = max(2 * inner, shape.hidden_size) + inner
        taken = min(tokens * settings.data_parallel_size, max(tokens, MOE_CHUNK))
        routed = taken * moe.per_token * one
        if settings.data_parallel_size > 1:
            routed += 2.0 * tokens * settings.data_parallel_size * shape.hidden_size
    values += 2 * width // ranks
    return (tokens * values + routed) * settings.dtype_bytes / GIB


MOE_CHUNK = 32_768
"""Tokens that experts take at a time (`VLLM_FUSED_MOE_CHUNK_SIZE`)."""


def activation_gib(shape: ModelShape, settings: EffectiveSettings, *, last_stage: bool = True) -> float:
    """Return the activation peak of a rank in GiB; the sampler runs on the last stage only.

    What the tower made of the largest items is kept until the text has run (`profile_run`), and what the second runner
    keeps of each request is counted here as well where the engine counts it (`COUNTED_SINCE`).
    """
    text = forward_peak_gib(shape, settings)
    if last_stage:
        text = max(text, sampler_peak_gib(shape, settings))
    peak = max(encoder_peak_gib(shape, settings), text + encoder_kept_gib(shape, settings))
    counted = last_stage and settings.version >= COUNTED_SINCE
    return peak + (counts_gib(shape, settings) if counted else 0.0)


def non_torch_gib(settings: EffectiveSettings, device: Device | None = None) -> float:
    """Return what libraries take beside torch, in GiB."""
    joined = settings.tensor_parallel_size * (settings.data_parallel_size if settings.expert_parallel else 1)
    if settings.devices_per_copy == 1 and joined == 1:
        return NON_TORCH_GIB
    switched = device is not None and device.name in SWITCHED
    return NON_TORCH_SWITCHED_GIB if switched and joined >= 8 else NON_TORCH_SEVERAL_GIB


def lora_gib(shape: ModelShape, settings: EffectiveSettings, layers: int) -> float:
    """Return what the slots of LoRA adapters take on a rank, in GiB.

    Each slot reserves two matrices of the largest rank for every projection of a layer, 16-bit; the half that faces
    the shared dimension is split. Adapters on experts are counted for each expert.
    """
    if not settings.lora_slots:
        return 0.0
    ranks, hidden = settings.tensor_parallel_size, shape.hidden_size
    query = shape.attention_heads * shape.head_dim
    key = 2 * shape.key_value_heads * shape.head_dim
    width, copies = shape.intermediate_size or 0, 1
    if shape.experts is not None:
        width, copies = shape.experts.intermediate_size, shape.experts.count
    one = 4 * hidden + (2 * query + key) / ranks  # q, k, v, o
    one += copies * (shape.mlp_matrices * hidden + shape.mlp_matrices * width / ranks)
    return settings.lora_slots * settings.lora_rank * one * layers * 2 / GIB


def not_modelled(shape: ModelShape, settings: EffectiveSettings, *, draft_known: bool = False) -> tuple[str, ...]:
    """Return the parts of a deployment whose memory is not computed.

    Args:
        shape: The model.
        settings: The engine's settings.
        draft_known: Whether weights and cache of the draft model are.
    """
    found = [f"{part}" for part in shape.unmodelled if not (part.endswith("tower") and not settings.images)]
    if is_compressed(shape) and not is_modelled(shape, settings):
        found.append("the cache of compressed attention (compress_ratios)")
    if settings.images and shape.encoder is None:
        if settings.profiles_encoder:
            found.append("the profile run of the image or audio encoder")
        if shape.encoder_parameters is None and not any(part.endswith("tower") for part in found):
            found.append("the weights of the image or audio encoder")
    own = settings.speculates_with_own_layers and shape.draft_layers > 0
    if settings.speculative and settings.speculative not in ("ngram", "ngram_gpu", "suffix") and not own:
        part = "the profile run of the draft model" if draft_known else "the draft model"
        found.append(f"{part} of speculative decoding ({settings.speculative})")
    if settings.quantization and effective_quantization(shape, settings) is None:
        found.append(f"weights quantised by {settings.quantization}")
    if settings.kv_dtype not in ("auto", *KV_DTYPE_BYTES):
        found.append(f"a cache of type {settings.kv_dtype}")
    if settings.cpu_offload_gib:
        found.append("buffers of the weights offload")
    if shape.experts is not None and settings.data_parallel_size > 1:
        found.append("all-to-all buffers of data-parallel experts")
    return tuple(dict.fromkeys(found))
