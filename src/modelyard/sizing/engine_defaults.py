"""What vLLM takes for a flag that is not set, by version and device.

Read from the wheels of vLLM 0.8.0, 0.8.5, 0.9.0, 0.10.2, 0.11.0, 0.14.1, 0.18.1, 0.19.1, 0.20.0, 0.25.1, 0.27.1, 0.28.0
and 0.33.0: `vllm/config/cache.py` (utilisation), `vllm/engine/arg_utils.py` (`get_batch_defaults`), `vllm/envs.py` (the
CUDA-graph estimate). Versions before 0.8 ran the V0 engine, whose figures come from public start-up logs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

Version = tuple[int, int, int]


@lru_cache(maxsize=1024)
def parsed_version(text: str) -> Version | None:
    """Return a version as three numbers, or None where there is none; a leading `v` and suffixes do not matter."""
    found = re.match(r"v?(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", text.strip(), re.ASCII)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


@dataclass(frozen=True, slots=True)
class BatchDefaults:
    """How much the engine batches when nobody says.

    Attributes:
        max_num_seqs: Requests of one batch.
        max_num_batched_tokens: Tokens of one batch; for V0 at least the longest request.
        by_length: Whether a longer `max-model-len` raises the tokens (V0 without chunked prefill).
    """

    max_num_seqs: int
    max_num_batched_tokens: int
    by_length: bool = False


def gpu_memory_utilization(version: Version) -> float:
    """Return the default share of the device that vLLM takes: 0.92 since 0.20.0, 0.9 before."""
    return 0.92 if version >= (0, 20, 0) else 0.9


def subtracts_cuda_graphs(version: Version) -> bool:
    """Tell whether the CUDA-graph estimate is taken from the KV cache by default (since 0.20.0)."""
    return version >= (0, 20, 0)


def runs_first_engine(
    version: Version,
    environment: Mapping[str, str],
    *,
    recurrent: bool = False,
    capability: tuple[int, int] | None = None,
) -> bool:
    """Tell whether the V0 engine runs: always before 0.8, never since 0.11, and between them where V1 could not.

    Args:
        version: vLLM's version.
        environment: Environment variables of the engine; `VLLM_USE_V1` decides where it is set.
        recurrent: Whether the model has recurrent layers, which V1 served since 0.11 by default.
        capability: Compute capability of the device; V1 asked for 8.0 (`_is_v1_supported_oracle` of `arg_utils.py`).
    """
    if version < (0, 8, 0) or version >= (0, 11, 0):
        return version < (0, 8, 0)
    asked = environment.get("VLLM_USE_V1")
    if asked is not None:
        return asked.strip() in ("", "0")
    return recurrent or (capability is not None and capability < (8, 0))


def batch_defaults(
    version: Version, total_gib: float, device_name: str, *, first_engine: bool = False
) -> BatchDefaults:
    """Return the API server's defaults for a device.

    Args:
        version: vLLM's version.
        total_gib: Memory of the device as the driver reports it.
        device_name: Such as `A100`, which has had the small defaults since 0.9.0.
        first_engine: Whether the V0 engine runs.
    """
    if first_engine or version < (0, 8, 0):
        return BatchDefaults(256, 2048, by_length=True)
    if version < (0, 8, 3):
        return BatchDefaults(1024, 8192 if total_gib >= 70 else 2048)
    if version >= (0, 28, 0) and total_gib >= 160:
        return BatchDefaults(1024, 16384)
    if total_gib >= 70 and ("a100" not in device_name.lower() or version < (0, 9, 0)):
        return BatchDefaults(1024, 8192)
    return BatchDefaults(256, 2048)


def has_hybrid_cache(version: Version) -> bool:
    """Tell whether sliding and chunked layers keep only their window rather than every token."""
    return version >= (0, 10, 0)


def concurrent_batches(version: Version, pipeline_stages: int) -> int:
    """Return how many batches may be in flight, which windows must have room for.

    Since 0.26 one batch more than stages, because scheduling is asynchronous (`VllmConfig.max_in_flight_tokens`; in
    0.26.0 to 0.33.0); one before, whatever the stages (`SlidingWindowSpec.max_memory_usage_bytes` of 0.25.1 and
    earlier).
    """
    return pipeline_stages + 1 if version >= (0, 26, 0) else 1
