"""What a rank needs beside weights and cache: the profile run's peak, CUDA graphs, libraries, adapters."""

from __future__ import annotations

from modelyard.catalog import ModelShape
from modelyard.sizing.settings import KV_DTYPE_BYTES, EffectiveSettings
from modelyard.sizing.weights import effective_quantization

GIB = float(2**30)

SAMPLER_FACTOR = 9.65
"""32-bit copies of the logits at the sampler's peak, where it sorts them.

Regression through the origin of the logged activation peak on requests x vocabulary x 4 bytes, over five rows of one
published table (vLLM 0.11.0 on H100, max-num-seqs 1024); `scripts/calibrate_sizing.py` prints it with each row left
out in turn. A sixth row of that table (Mistral-Small-3.2: 4.24) does not follow the rule. Logs that it was not fitted
to agree: 1.40 GiB for Qwen3-8B with 256 requests in early 2026, where the rule says 1.40; and 2.84 GiB beside the
graphs for 512 requests on H200 after 0.29, which the rule gives for 154,000 tokens of vocabulary.
The log of the latter does not name its model.
"""

FLASHINFER_FACTOR = 2.9
"""The same with FlashInfer's sampler, which does not sort.

From four public logs of vLLM 0.10.1 on A100 80 GB (Qwen2-7B at one and two ranks): 0.56 and 0.67 GiB beside weights
and cache, of which 0.15 and 0.25 are libraries. Newer versions use it by default, yet their profile runs also pass
through 32-bit logits with every sampling parameter set, and their logs still show the larger peak; so this factor is
taken only where the environment variable asks for it.
"""

NON_TORCH_GIB = 0.15
"""CUDA context's growth and libraries on one rank; logged 0.13 to 0.16 GiB."""

NON_TORCH_SEVERAL_GIB = 0.55
"""The same with NCCL for several ranks; logged up to 0.6 GiB."""

CUDA_GRAPHS_GIB = 0.5
"""Budget for CUDA graphs of dense models; logged -0.9 to 0.4 GiB."""

CUDA_GRAPHS_EXPERTS_GIB = 1.0
"""Budget for CUDA graphs of mixtures of experts; logged up to 1.03 GiB."""


def sampler_peak_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return the sampler's peak during the profile run, in GiB; it does not fall with tensor parallelism."""
    if settings.pooling:
        return 0.0
    requests = min(settings.max_num_seqs, settings.max_num_batched_tokens)
    factor = FLASHINFER_FACTOR if settings.flashinfer_sampler else SAMPLER_FACTOR
    return factor * requests * shape.vocabulary * 4 / GIB


def forward_peak_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return an upper guess of the layers' peak during the profile run, in GiB.

    Not calibrated, because the sampler dominates in every log.
    """
    ranks, tokens = settings.tensor_parallel_size, settings.max_num_batched_tokens
    width = shape.intermediate_size or 0
    values = 6 * shape.hidden_size
    if shape.experts is not None:
        moe = shape.experts
        width = max(moe.dense_intermediate_size, moe.shared_intermediate_size)
        one = max(2 * moe.intermediate_size // ranks, shape.hidden_size) + moe.intermediate_size // ranks
        values += moe.per_token * one
    values += 2 * width // ranks
    return tokens * values * settings.dtype_bytes / GIB


def activation_gib(shape: ModelShape, settings: EffectiveSettings, *, last_stage: bool = True) -> float:
    """Return the activation peak of a rank in GiB; the sampler runs on the last stage only."""
    forward = forward_peak_gib(shape, settings)
    return max(forward, sampler_peak_gib(shape, settings)) if last_stage else forward


def cuda_graphs_gib(shape: ModelShape, settings: EffectiveSettings) -> float:
    """Return the budget for CUDA graphs in GiB; 0 with `enforce-eager`."""
    if settings.enforce_eager:
        return 0.0
    return CUDA_GRAPHS_EXPERTS_GIB if shape.experts is not None else CUDA_GRAPHS_GIB


def non_torch_gib(settings: EffectiveSettings) -> float:
    """Return what libraries take beside torch, in GiB."""
    return NON_TORCH_GIB if settings.devices_per_copy == 1 else NON_TORCH_SEVERAL_GIB


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
    if settings.images:
        found.append("the profile run of the image or audio encoder")
        if shape.encoder_parameters is None and not any(part.endswith("tower") for part in found):
            found.append("the weights of the image or audio encoder")
    if settings.speculative and settings.speculative not in ("ngram", "ngram_gpu", "suffix"):
        part = "the profile run of the draft model" if draft_known else "the draft model"
        found.append(f"{part} of speculative decoding ({settings.speculative})")
    if settings.quantization and effective_quantization(shape, settings) is None:
        found.append(f"weights quantised by {settings.quantization}")
    if settings.kv_cache_dtype not in ("auto", *KV_DTYPE_BYTES):
        found.append(f"a cache of type {settings.kv_cache_dtype}")
    if settings.cpu_offload_gib:
        found.append("buffers of the weights offload")
    if shape.experts is not None and settings.data_parallel_size > 1:
        found.append("all-to-all buffers of data-parallel experts")
    return tuple(dict.fromkeys(found))
