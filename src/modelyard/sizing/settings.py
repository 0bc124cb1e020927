"""The engine's settings as far as memory follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.catalog import Device, LayerKind, ModelShape
from modelyard.catalog.families import task_of
from modelyard.sizing.engine_defaults import (
    Version,
    batch_defaults,
    gpu_memory_utilization,
    parsed_version,
    runs_first_engine,
    subtracts_cuda_graphs,
)
from modelyard.sizing.flag_values import AUTO_LENGTH, FlagValues, SettingProblem
from modelyard.sizing.hybrid_manager import turned_off_by
from modelyard.sizing.runners import estimates_graphs, runs_second_runner, tries_encoder

DTYPE_BYTES = {"float32": 4.0, "float": 4.0, "bfloat16": 2.0, "float16": 2.0, "half": 2.0, "fp8": 1.0, "int8": 1.0}
KV_DTYPE_BYTES = {"fp8": 1.0, "fp8_e4m3": 1.0, "fp8_e5m2": 1.0, "fp8_inc": 1.0, "bfloat16": 2.0, "float16": 2.0}
"""Types of the cache without scales beside the values; the others are counted as 16-bit and named as not modelled."""


ITEMS_PER_PROMPT = 999
"""Images of one request where nobody limits them (`MultiModalConfig.get_limit_per_prompt`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveSettings:
    """vLLM's settings with defaults filled in.

    Attributes:
        version: vLLM's version.
        tensor_parallel_size: Ranks that share each layer.
        pipeline_parallel_size: Stages that share the layers.
        data_parallel_size: Copies; experts are shared among them.
        decode_context_parallel_size: Ranks that share each request's cache.
        expert_parallel: Whether whole experts are placed on ranks.
        gpu_memory_utilization: Share of the device that the engine takes.
        kv_cache_memory_bytes: Size of the cache set by hand; None otherwise.
        max_model_len: Longest request in tokens; `AUTO_LENGTH` for what fits.
        max_num_seqs: Requests of one batch.
        max_num_batched_tokens: Tokens of one batch.
        dtype: Type of weights that are not quantised, and of activations.
        quantization: `--quantization`; empty when the model's own is taken.
        kv_cache_dtype: Type of the cache as asked for, `auto` for the model's.
        kv_dtype: Type of the cache that the engine takes: as asked for, or as the checkpoint says; `auto` for `dtype`.
        block_size: Tokens of one cache block.
        enforce_eager: Whether CUDA graphs are off.
        cuda_graphs_subtracted: Whether the graphs' estimate is taken from the cache.
        hybrid_cache: False when every layer keeps every token.
        hybrid_off: What turns the hybrid cache off; empty where it is on.
        prefix_caching_of_states: Whether states of recurrent layers are kept at block boundaries.
        state_dtype: Type of recurrent state, `auto` for the model's.
        speculative_tokens: Tokens that are drafted at a time.
        first_engine: Whether the V0 engine runs.
        whole_encoder: Whether every rank has all of the vision tower.
        profiles_encoder: Whether the vision tower runs when memory is measured.
        cpu_offload_gib: Weights per rank that stay in the pod's memory.
        kv_offload_gib: Cache in the pod's memory, all ranks together.
        swap_space_gib: Swap of the V0 engine per rank.
        streamer_buffer_gib: Most that each rank's streamer of weights (Run:ai) keeps in the pod's memory; 0 without it.
        lora_slots: Adapters held on the device; 0 without LoRA.
        lora_rank: Largest rank of an adapter.
        cpu_loras: Adapters held in the pod's memory.
        speculative: The speculative method; empty without.
        images: Whether the model takes images or audio (its encoder is profiled).
        videos: Whether it takes videos, where its family does.
        items_per_prompt: Images, videos or audios of one request.
        max_pixels: Pixels of an image at most (`mm-processor-kwargs`); 0 for the processor's own limit.
        pooling: Whether the model embeds or classifies rather than generates.
        overrides_config: Whether flags change the model's own config, such as its longest context.
        whole_prompts: Whether a prompt is taken in one batch rather than in chunks.
        flashinfer_sampler: Whether `VLLM_USE_FLASHINFER_SAMPLER=1` asks for the sampler that does not sort.
        flashinfer_sampler_set: Whether that variable says anything.
        second_runner: Whether the second model runner serves the model.
        second_runner_asked: Whether it does so only because the environment asks for it.
        marlin_experts: Whether MXFP4 experts run by Marlin's kernels because somebody asks for them.
        draft_model: What drafts tokens beside the model; empty where nothing does, or a part of the model itself.
        draft_ranks: Ranks that share the draft model; 0 for as many as share the model.
        sharers: Pods that share one device and see all of its memory.
        problems: Settings that could not be used; the defaults stand in for them.
    """

    version: Version
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    data_parallel_size: int = 1
    decode_context_parallel_size: int = 1
    expert_parallel: bool = False
    gpu_memory_utilization: float
    kv_cache_memory_bytes: int | None = None
    max_model_len: int
    max_num_seqs: int
    max_num_batched_tokens: int
    dtype: str
    quantization: str = ""
    kv_cache_dtype: str = "auto"
    kv_dtype: str = "auto"
    block_size: int = 16
    enforce_eager: bool = False
    cuda_graphs_subtracted: bool = True
    hybrid_cache: bool = True
    hybrid_off: str = ""
    prefix_caching_of_states: bool = False
    state_dtype: str = "auto"
    speculative_tokens: int = 0
    first_engine: bool = False
    whole_encoder: bool = False
    profiles_encoder: bool = True
    cpu_offload_gib: float = 0.0
    kv_offload_gib: float = 0.0
    swap_space_gib: float = 0.0
    streamer_buffer_gib: float = 0.0
    lora_slots: int = 0
    lora_rank: int = 16
    cpu_loras: int = 0
    speculative: str = ""
    images: bool = False
    videos: bool = True
    items_per_prompt: int = ITEMS_PER_PROMPT
    max_pixels: int = 0
    pooling: bool = False
    overrides_config: bool = False
    whole_prompts: bool = False
    flashinfer_sampler: bool = False
    flashinfer_sampler_set: bool = False
    second_runner: bool = False
    second_runner_asked: bool = False
    marlin_experts: bool = False
    draft_model: str = ""
    draft_ranks: int = 0
    sharers: int = 1
    problems: tuple[SettingProblem, ...] = ()

    @property
    def speculates_with_own_layers(self) -> bool:
        """Whether layers of the model itself draft tokens (MTP)."""
        return self.speculative.endswith(("mtp", "nextn"))

    @property
    def devices(self) -> int:
        """Devices that all ranks together need."""
        return self.tensor_parallel_size * self.pipeline_parallel_size * self.data_parallel_size

    @property
    def devices_per_copy(self) -> int:
        """Devices of one data-parallel copy."""
        return self.tensor_parallel_size * self.pipeline_parallel_size

    @property
    def dtype_bytes(self) -> float:
        """Bytes of an activation and of a weight that is not quantised."""
        return DTYPE_BYTES.get(self.dtype, 2.0)

    @property
    def kv_dtype_bytes(self) -> float:
        """Bytes of one cached value."""
        return self.dtype_bytes if self.kv_dtype == "auto" else KV_DTYPE_BYTES.get(self.kv_dtype, 2.0)


STATES_ARE_CACHED = (0, 27, 0)
"""Since then states of recurrent models are cached with prefixes by default (in 0.33.0; 0.26 logged one a request)."""

STREAMERS = ("runai_streamer", "runai_streamer_sharded")
"""Values of `load-format` that read weights through a buffer in the pod's memory."""

STREAMER_BYTES = 40_000_000_000
"""Its default for each process, where the weights are larger (file_streamer/requests_iterator.py of the wheel of
runai-model-streamer 0.17.1)."""


def effective_settings(
    flags: Mapping[str, Any],
    version: str,
    shape: ModelShape,
    device: Device,
    *,
    total_gib: float | None = None,
    environment: Mapping[str, str] | None = None,
    sharers: int = 1,
) -> EffectiveSettings:
    """Return the settings that vLLM runs with.

    Args:
        flags: Flag to value, as the command line and the settings file together say; dashes or underscores.
        version: vLLM's version.
        shape: The model, for the length that is taken when none is set.
        device: The device, for the batch sizes that are taken when none are set.
        total_gib: Memory of the device where it is not the device's own (a slice).
        environment: Environment variables of the engine's container.
        sharers: Pods that share one device and see all of its memory.

    Returns:
        The settings; values that cannot be used are named in `problems`, and the default stands in for them.

    Raises:
        ValueError: The version is none.
    """
    known = parsed_version(version)
    if known is None:
        raise ValueError(f"{version!r} is no version of vLLM")
    read = FlagValues(flags)
    read.choices(version)
    variables = environment or {}
    recurrent = any(group.kind is LayerKind.RECURRENT for group in shape.layer_groups)
    first = runs_first_engine(known, variables, recurrent=recurrent, capability=device.compute_capability)
    defaults = batch_defaults(known, total_gib or device.total_gib, device.name, first_engine=first)
    length = read.length("max-model-len", shape.max_positions or 0)
    if length == 0:
        read.problems.append(
            SettingProblem("max-model-len", "neither the settings nor the model say a longest context")
        )
        length = 2048
    counted = (shape.max_positions or 2048) if length == AUTO_LENGTH else length
    seqs = read.whole("max-num-seqs", 0)
    tokens = read.length("max-num-batched-tokens", 0)
    # vLLM doubles what nobody set when it is asked for throughput.
    factor = 2 if read.text("performance-mode", "") == "throughput" else 1
    taken_seqs = seqs or defaults.max_num_seqs * factor
    taken_tokens = tokens or defaults.max_num_batched_tokens * factor
    # `is_chunked_prefill_supported`: neither for attention over the whole text nor beside an encoder.
    unchunkable = shape.encodes_only or shape.encoder_positions > 0
    whole_prompts = unchunkable or not read.switch("enable-chunked-prefill", True)
    if not tokens:
        # V0 prefilled in chunks from 32k on, except for models that take images.
        whole = defaults.by_length and (counted <= 32768 or shape.encoder_parameters != 0)
        if whole or whole_prompts:
            taken_tokens = max(counted, taken_tokens)
        taken_tokens = min(taken_tokens, taken_seqs * counted)
    taken_seqs = taken_seqs if seqs else min(taken_seqs, taken_tokens)
    dtype = read.text("dtype", "auto")
    lora = read.switch("enable-lora")
    slots = read.whole("max-loras", 1) if lora else 0
    speculative = read.mapping("speculative-config")
    limits = read.mapping("limit-mm-per-prompt")
    no_images = read.switch("language-model-only") or (
        bool(limits) and all(not _limit(value) for value in limits.values())
    )
    by_hand = read.length("kv-cache-memory-bytes", 0)
    off = _hybrid_off(read, known, shape, variables)
    drafted = _positive(speculative.get("num_speculative_tokens"))
    pooling = (
        shape.encodes_only
        or (read.text("runner", "auto") == "auto" and task_of(shape.architecture) in ("embed", "classify"))
        or read.text("runner", "auto") == "pooling"
        or read.text("task", "") in ("embed", "classify", "score")
    )
    asked_runner = None
    if "VLLM_USE_V2_MODEL_RUNNER" in variables:
        asked_runner = _flag_variable(variables, "VLLM_USE_V2_MODEL_RUNNER", default=False)
    second = runs_second_runner(known, shape, pooling=pooling, asked=asked_runner)
    return EffectiveSettings(
        version=known,
        tensor_parallel_size=read.whole("tensor-parallel-size", 1),
        pipeline_parallel_size=read.whole("pipeline-parallel-size", 1),
        data_parallel_size=read.whole("data-parallel-size", 1),
        decode_context_parallel_size=read.whole("decode-context-parallel-size", 1),
        expert_parallel=read.switch("enable-expert-parallel"),
        gpu_memory_utilization=read.number("gpu-memory-utilization", gpu_memory_utilization(known), 0.01, 1.0),
        kv_cache_memory_bytes=by_hand if by_hand > 0 else None,
        max_model_len=length,
        max_num_seqs=taken_seqs,
        max_num_batched_tokens=taken_tokens,
        dtype=_model_dtype(shape.dtype, known, device) if dtype == "auto" else dtype,
        quantization=read.text("quantization", ""),
        kv_cache_dtype=read.text("kv-cache-dtype", "auto"),
        kv_dtype=_kv_dtype(read.text("kv-cache-dtype", "auto"), shape.kv_cache_dtype, known),
        block_size=read.whole("block-size", 16),
        enforce_eager=read.switch("enforce-eager"),
        cuda_graphs_subtracted=_flag_variable(
            variables, "VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS", subtracts_cuda_graphs(known)
        )
        and estimates_graphs(known, second=second),
        hybrid_cache=not off and not first,
        hybrid_off=off,
        prefix_caching_of_states=recurrent and read.switch("enable-prefix-caching", known >= STATES_ARE_CACHED),
        state_dtype=read.text("mamba-ssm-cache-dtype", "auto"),
        speculative_tokens=drafted,
        first_engine=first,
        whole_encoder=read.text("mm-encoder-tp-mode", "weights") == "data",
        profiles_encoder=not read.switch("skip-mm-profiling") and tries_encoder(known, second=second),
        cpu_offload_gib=read.number("cpu-offload-gb", 0.0, 0.0, 1e6),
        kv_offload_gib=read.number("kv-offloading-size", 0.0, 0.0, 1e6),
        swap_space_gib=read.number("swap-space", 4.0, 0.0, 1e6) if known < (0, 8, 0) else 0.0,
        streamer_buffer_gib=_streamer_buffer(read),
        lora_slots=slots,
        lora_rank=read.whole("max-lora-rank", 16),
        cpu_loras=read.whole("max-cpu-loras", slots, lowest=0) if lora else 0,
        speculative=str(speculative.get("method") or ("draft_model" if speculative.get("model") else "")),
        images=bool(shape.encoder_parameters != 0) and not no_images,
        videos=bool(_limit(limits.get("video", 1))),
        items_per_prompt=max((_positive(_limit(each)) for each in limits.values()), default=ITEMS_PER_PROMPT),
        max_pixels=_positive(read.mapping("mm-processor-kwargs").get("max_pixels")),
        pooling=pooling,
        overrides_config=any(flag in read.values for flag in ("hf-overrides", "rope-scaling", "hf-config-path"))
        or _flag_variable(variables, "VLLM_ALLOW_LONG_MAX_MODEL_LEN", default=False),
        whole_prompts=whole_prompts,
        flashinfer_sampler=_flag_variable(variables, "VLLM_USE_FLASHINFER_SAMPLER", default=False),
        flashinfer_sampler_set="VLLM_USE_FLASHINFER_SAMPLER" in variables,
        second_runner=second,
        second_runner_asked=bool(asked_runner) and not runs_second_runner(known, shape, pooling=pooling, asked=None),
        marlin_experts=read.text("moe-backend", "auto") == "marlin"
        or _flag_variable(variables, "VLLM_MXFP4_USE_MARLIN", default=False),
        draft_model=str(speculative.get("model") or ""),
        draft_ranks=_positive(speculative.get("draft_tensor_parallel_size")),
        sharers=sharers,
        problems=tuple(read.problems),
    )


def _hybrid_off(read: FlagValues, version: Version, shape: ModelShape, variables: Mapping[str, str]) -> str:
    """Return what turns the hybrid cache manager off; empty where it is on."""
    flag = "disable-hybrid-kv-cache-manager"
    if read.switch(flag):
        return flag
    if f"no-{flag}" in read.values or flag in read.values:
        return ""
    return turned_off_by(
        version,
        read.mapping("kv-transfer-config"),
        chunked=any(group.kind is LayerKind.CHUNKED for group in shape.layer_groups),
        events="kv-events-config" in read.values,
        offloading=read.number("kv-offloading-size", 0.0, 0.0, 1e6) > 0,
        environment=variables,
    )


def _positive(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _flag_variable(variables: Mapping[str, str], name: str, default: bool) -> bool:
    value = variables.get(name)
    return default if value is None else value.strip() not in ("", "0")


STORED_CACHES = (0, 12, 0)
"""Since about then `auto` takes the type that a checkpoint names for its cache (in 0.19.1, not in 0.11.0)."""


def _kv_dtype(asked: str, stored: str, version: Version) -> str:
    """Return the type of the cache that the engine takes (`resolve_kv_cache_dtype_string`, `attention.py`)."""
    return stored if asked == "auto" and stored and version >= STORED_CACHES else asked


def _model_dtype(stored: str, version: Version, device: Device) -> str:
    # vLLM runs a model that is stored in 32 bits in 16, and takes float16 where a device has no bfloat16.
    capability = device.compute_capability
    if stored == "bfloat16" and capability is not None and capability < (8, 0) and version >= (0, 10, 0):
        return "float16"
    return "float16" if stored == "float32" else stored


def _limit(value: Any) -> Any:
    return value.get("count", 1) if isinstance(value, Mapping) else value


def _streamer_buffer(read: FlagValues) -> float:
    """Return the buffer of one rank's streamer in GiB: `memory_limit` in bytes, 40 * 10^9 where none is set."""
    if read.text("load-format", "auto") not in STREAMERS:
        return 0.0
    limit = read.mapping("model-loader-extra-config").get("memory_limit")
    told = limit if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0 else STREAMER_BYTES
    return told / 2**30
