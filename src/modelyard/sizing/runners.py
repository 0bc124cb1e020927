"""Which of vLLM's two model runners serves a model, and what the second one keeps for each request."""

from __future__ import annotations

from modelyard.catalog import LayerKind, ModelShape
from modelyard.sizing.engine_defaults import Version

READ_SINCE = (0, 22, 0)
"""First version whose choice of a runner was read; 0.21.0 took the second one only where it was asked for."""

SERVES_ALL_SINCE = (0, 29, 0)
"""Since then the second runner serves every model, unless the environment asks for the first one."""

SERVES_DENSE_SINCE = (0, 25, 0)
"""Since then it serves models without experts and without recurrent layers (read in 0.25.1)."""

SERVES_LISTED = (
    ((0, 28, 0), ("DeepseekV2", "DeepseekV4", "GraniteMoe", "KimiK3", "Qwen2Moe")),
    ((0, 27, 0), ("DeepseekV2", "GraniteMoe", "KimiK3", "Qwen2Moe")),
    ((0, 25, 0), ("DeepseekV2", "GraniteMoe", "Qwen2Moe")),
    ((0, 24, 0), ("DeepseekV2", "GraniteMoe", "Llama", "Mistral", "Qwen2Moe", "Qwen3")),
    ((0, 23, 0), ("Llama", "Mistral", "Qwen3")),
    ((0, 22, 0), ("Qwen3",)),
)
"""Families that it serves since a version, the newest first (`DEFAULT_V2_MODEL_RUNNER_ARCHITECTURES` of
`vllm/config/vllm.py`, 0.22.0 to 0.28.0)."""

LISTED_UNQUANTIZED_BEFORE = (0, 24, 0)
"""Before, it served them only without experts and with 16-bit weights."""

ESTIMATES_GRAPHS_SINCE = (0, 29, 0)
"""Since then the second runner says what CUDA graphs will take; before, its estimate was 0, so that they lie outside
the engine's share (`profile_cudagraph_memory` of `vllm/v1/worker/gpu/model_runner.py`, 0.22.0 to 0.33.0)."""

TRIES_ENCODER_SINCE = (0, 27, 0)
"""Since then the second runner runs the vision tower while it measures (`profile_run`; in 0.27.1, not in 0.26.0)."""

COUNT_BYTES = 4 + 1 / 8
"""Bytes of one token of the vocabulary for each request: its count in the output, and a bit for the prompt
(`output_bin_counts` and `prompt_bin_mask` of `vllm/v1/worker/gpu/sample/penalties.py`, 0.22.0 to 0.33.0)."""


COUNTED_SINCE = (0, 27, 0)
"""Since then what is kept beside the weights is taken from the engine's share: all that the device lost is
(`memory_profiling` of `vllm/utils/mem_utils.py`; in 0.27.1, not in 0.26.0). Before, those counts lay outside."""


def runs_second_runner(version: Version, shape: ModelShape, *, pooling: bool, asked: bool | None) -> bool:
    """Tell whether the second model runner serves a model (`use_v2_model_runner` of `vllm/config/vllm.py`).

    Args:
        version: vLLM's version.
        shape: The model.
        pooling: Whether it embeds or classifies, which the first runner did before 0.29.
        asked: What `VLLM_USE_V2_MODEL_RUNNER` says; None where it is not set.
    """
    if asked is not None:
        return asked
    if version >= SERVES_ALL_SINCE:
        return True
    if version < READ_SINCE or pooling:
        return False
    families = next(listed for since, listed in SERVES_LISTED if version >= since)
    listed = shape.architecture.removesuffix("ForCausalLM").removesuffix("ForConditionalGeneration") in families
    dense = shape.experts is None
    if version >= SERVES_DENSE_SINCE:
        recurrent = any(group.kind is LayerKind.RECURRENT for group in shape.layer_groups)
        if recurrent:
            return listed and version >= (0, 27, 0)
        return listed or dense
    if version >= LISTED_UNQUANTIZED_BEFORE:
        return listed
    return listed and dense and shape.quantization is None


def estimates_graphs(version: Version, *, second: bool) -> bool:
    """Tell whether the runner of a model estimates its CUDA graphs before the cache is filled."""
    return not second or version >= ESTIMATES_GRAPHS_SINCE


def tries_encoder(version: Version, *, second: bool) -> bool:
    """Tell whether the runner of a model runs the vision tower while memory is measured."""
    return not second or version >= TRIES_ENCODER_SINCE


def sampler_bytes(version: Version, ranks: int) -> float:
    """Return the bytes of a logit at the second runner's trial of its sampler.

    The 16-bit logits, gathered from several ranks into another copy, and a 32-bit copy except in 0.26 and since 0.28,
    where no dummy request asks for one (`apply_sampling_params` of `vllm/v1/worker/gpu/sample/sampler.py`).
    """
    logits = 2.0 if ranks == 1 else 4.0
    copies = not ((0, 26, 0) <= version < (0, 27, 0) or version >= (0, 28, 0))
    return logits + (4.0 if copies else 0.0)
