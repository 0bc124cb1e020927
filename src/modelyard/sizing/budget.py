"""The memory budget of a rank."""

from __future__ import annotations

from dataclasses import dataclass, replace

from modelyard.catalog import Device, ModelShape
from modelyard.sizing.cache_plan import cache_plan
from modelyard.sizing.compressed_cache import block_bytes, is_compressed
from modelyard.sizing.encoder_profile import encoder_doubt_gib
from modelyard.sizing.flag_values import AUTO_LENGTH
from modelyard.sizing.graphs import cuda_graphs_gib
from modelyard.sizing.kv_cache import (
    bytes_per_token,
    concurrency_bytes,
    has_windows,
    largest_length,
    request_bytes,
    reserved_state_gib,
)
from modelyard.sizing.overheads import (
    GIB,
    activation_gib,
    forward_peak_gib,
    lora_gib,
    non_torch_gib,
    not_modelled,
    sampler_doubt_gib,
)
from modelyard.sizing.parallelism import stage_layers
from modelyard.sizing.settings import EffectiveSettings
from modelyard.sizing.weights import mxfp4_doubt_gib, rank_weights

SHORTEST_AUTO = 2048
"""Tokens that a request must be allowed with `max-model-len: auto` for the deployment to be of use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBudget:
    """How one rank's memory is spent, in GiB (2^30 bytes), and what its cache holds.

    Attributes:
        stage: Pipeline stage of the rank, counted from 0; the tightest one.
        total_gib: Memory of the device as the driver reports it.
        requested_gib: What the engine takes of it.
        weights_gib: Weights on the device.
        activation_gib: Peak of the profile run.
        cuda_graphs_gib: CUDA graphs; outside `requested_gib` for versions that do not subtract them.
        non_torch_gib: Libraries.
        lora_gib: Slots of LoRA adapters.
        draft_gib: Weights of the draft model of speculative decoding, where its shape is known.
        kv_available_gib: What is left for the KV cache; negative when the rest does not fit.
        kv_bytes_per_token: Cache of one token on the rank.
        kv_request_gib: Cache of one request of `max_model_len` tokens on the rank.
        max_model_len: Longest request in tokens; for `auto` what fits.
        largest_length: Longest request that the cache holds, at most the model's limit.
        tokens: Tokens that the cache holds, as requests of `max_model_len` (vLLM's "GPU KV cache size").
        requests: Requests of `max_model_len` that the cache holds at a time; that a batch holds where none is kept.
        margin_gib: What is left of the cache beside one request of `max_model_len`; negative when vLLM would refuse to
            start. With `auto`, what is left beside a request of `SHORTEST_AUTO` tokens.
        concurrency_gib: Cache that `max_num_seqs` requests must have a block of each in; 0 where none must.
        state_gib: Recurrent state that the V0 engine reserves for all requests.
        more_gib: By how much more than estimated the parts may take that are bounded rather than known.
        less_gib: By how much less they may take.
        not_modelled: Parts whose memory is in none of the figures.
        measured: Whether the figures come from a start-up log rather than from arithmetic.
    """

    stage: int = 0
    total_gib: float
    requested_gib: float
    weights_gib: float
    activation_gib: float
    cuda_graphs_gib: float
    non_torch_gib: float
    lora_gib: float = 0.0
    draft_gib: float = 0.0
    kv_available_gib: float
    kv_bytes_per_token: float
    kv_request_gib: float
    max_model_len: int
    largest_length: int
    tokens: int
    requests: int
    margin_gib: float
    concurrency_gib: float = 0.0
    state_gib: float = 0.0
    more_gib: float = 0.0
    less_gib: float = 0.0
    not_modelled: tuple[str, ...] = ()
    measured: bool = False


def memory_budget(
    shape: ModelShape,
    settings: EffectiveSettings,
    device: Device,
    *,
    total_gib: float | None = None,
    draft: ModelShape | None = None,
) -> MemoryBudget:
    """Return the budget of the tightest rank.

    The engine takes `total x gpu-memory-utilization`, and what weights, the profile run's peak, libraries, adapters and
    (since 0.20.0) CUDA graphs leave of it is the KV cache, which must hold one request of `max-model-len`
    (`determine_available_memory` in `vllm/v1/worker/gpu_worker.py`, `_check_enough_kv_cache_memory` in
    `vllm/v1/core/kv_cache_planning.py`).

    Args:
        shape: The model.
        settings: The engine's settings, defaults filled in.
        device: The device of each rank.
        total_gib: Memory of the device where it is not the device's own, such as a slice.
        draft: Shape of the draft model, whose weights and cache lie beside the model's on the last stage.
    """
    stages = range(settings.pipeline_parallel_size)
    # Every inner stage is like another of as many layers; the first and the last differ by embeddings and sampler.
    counts = stage_layers(shape.layers, settings.pipeline_parallel_size)
    largest_inner = max(stages[1:-1], key=lambda at: counts[at], default=None)
    candidates = {0, stages[-1]} | ({largest_inner} if largest_inner is not None else set())
    budgets = [_stage_budget(shape, settings, device, stage, total_gib, draft) for stage in sorted(candidates)]
    return min(budgets, key=lambda budget: budget.margin_gib)


def _stage_budget(
    shape: ModelShape,
    settings: EffectiveSettings,
    device: Device,
    stage: int,
    total_gib: float | None,
    draft: ModelShape | None,
) -> MemoryBudget:
    total = device.total_gib if total_gib is None else total_gib
    requested = total * settings.gpu_memory_utilization
    stages = settings.pipeline_parallel_size
    held = rank_weights(shape, settings, device, stage)
    weights = max(0.0, held.total / GIB - settings.cpu_offload_gib)
    activation = activation_gib(shape, settings, last_stage=stage == stages - 1)
    graphs = cuda_graphs_gib(shape, settings)
    libraries = non_torch_gib(settings, device)
    state = reserved_state_gib(shape, settings, stage)
    adapters = lora_gib(shape, settings, stage_layers(shape.layers, stages)[stage])
    beside = _Draft(draft, settings, device) if stage == stages - 1 else _Draft(None, settings, device)
    used = weights + activation + libraries + adapters + beside.weights_gib + state
    if settings.kv_cache_memory_bytes is not None:
        by_hand = settings.kv_cache_memory_bytes / GIB
        # Utilisation is ignored then; whatever the device cannot hold is missing.
        available = min(by_hand, total - used - graphs)
        requested = used + graphs + by_hand
    else:
        available = requested - used - (graphs if settings.cuda_graphs_subtracted else 0.0)
    # The pool holds one block back since 0.27 (`null_block`).
    block = block_bytes(shape) if is_compressed(shape) else cache_plan(shape, settings, stage).block_bytes
    held_back = block if settings.version >= (0, 27, 0) else 0.0
    room = max(0.0, available * GIB - held_back)
    fitting = largest_length(shape, settings, room, stage, beside=beside.request_bytes)
    length = fitting if settings.max_model_len == AUTO_LENGTH else settings.max_model_len

    def request(tokens: int) -> float:
        return request_bytes(shape, settings, tokens, stage) + beside.request_bytes(tokens)

    need = request(max(1, length))
    least = request(SHORTEST_AUTO) if settings.max_model_len == AUTO_LENGTH else need
    concurrent = concurrency_bytes(shape, settings, stage)
    of_text = activation_gib(shape, replace(settings, profiles_encoder=False), last_stage=stage == stages - 1)
    bounded = min(encoder_doubt_gib(shape, settings), activation - of_text)
    if shape.experts is not None and settings.data_parallel_size > 1 and shape.unmodelled:
        bounded = max(bounded, activation / 2)  # its own kernels may take the tokens of other copies in parts
    sampled = min(sampler_doubt_gib(shape, settings), max(0.0, activation - forward_peak_gib(shape, settings)))
    # Without a cache a batch is the limit.
    batch = max(1, min(settings.max_num_seqs, settings.max_num_batched_tokens // max(1, length)))
    requests = int(room / need) if need else batch
    per_token = bytes_per_token(shape, settings, stage) + beside.bytes_per_token
    if has_windows(shape, settings):
        tokens = int(room / need * length) if need else 0
    else:
        tokens = int(room / per_token) if per_token else 0
    return MemoryBudget(
        stage=stage,
        total_gib=total,
        requested_gib=requested,
        weights_gib=weights,
        activation_gib=activation,
        cuda_graphs_gib=graphs,
        non_torch_gib=libraries,
        lora_gib=adapters,
        draft_gib=beside.weights_gib,
        kv_available_gib=available,
        kv_bytes_per_token=per_token,
        kv_request_gib=need / GIB,
        max_model_len=length,
        largest_length=fitting,
        tokens=tokens,
        requests=requests,
        margin_gib=available - (max(least, concurrent) + held_back) / GIB,
        concurrency_gib=concurrent / GIB,
        state_gib=state,
        more_gib=bounded + mxfp4_doubt_gib(shape, settings, device, held),
        less_gib=max(bounded, sampled if stage == stages - 1 else 0.0),
        not_modelled=not_modelled(shape, settings, draft_known=draft is not None),
    )


class _Draft:
    """The draft model beside a model: its weights on a rank, and its layers in the same cache."""

    def __init__(self, draft: ModelShape | None, settings: EffectiveSettings, device: Device) -> None:
        self.shape = draft
        self.settings = replace(
            settings,
            tensor_parallel_size=settings.draft_ranks or settings.tensor_parallel_size,
            pipeline_parallel_size=1,
            data_parallel_size=1,
            expert_parallel=False,
            quantization="",
            images=False,
        )
        self.weights_gib = rank_weights(draft, self.settings, device).total / GIB if draft is not None else 0.0

    def request_bytes(self, tokens: int) -> float:
        return request_bytes(self.shape, self.settings, tokens) if self.shape is not None else 0.0

    @property
    def bytes_per_token(self) -> float:
        return bytes_per_token(self.shape, self.settings) if self.shape is not None else 0.0
