"""Reading a measured budget from vLLM's start-up log."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from modelyard.findings import UserError
from modelyard.sizing.engine_defaults import parsed_version
from modelyard.sizing.log_arguments import printed_arguments
from modelyard.sizing.log_lines import plain_text
from modelyard.sizing.measured import MeasuredBudget

# Begins where no digit stands before it, and gives no digit back, so that a long row of digits is read once.
NUMBER = r"(?<![\d,])(-?[\d,]++(?:\.\d++)?)"

FIGURES: tuple[tuple[str, str, Callable[[list[float]], float]], ...] = (
    # The sentence of the V0 engine.
    ("total_gib", rf"total_gpu_memory \({NUMBER}\s*GiB\)", max),
    ("gpu_memory_utilization", rf"gpu_memory_utilization \({NUMBER}\)", max),
    ("weights_gib", rf"model weights take\s+{NUMBER}\s*GiB", max),
    ("weights_gib", rf"weights memory: {NUMBER}\s*GiB", max),
    ("non_torch_gib", rf"non_torch_memory takes {NUMBER}\s*GiB", max),
    ("activation_gib", rf"PyTorch activation peak memory takes {NUMBER}\s*GiB", max),
    ("kv_available_gib", rf"the rest of the memory reserved for KV Cache is {NUMBER}\s*GiB", min),
    # The lines of the V1 engine.
    ("weights_gib", rf"Model loading took:? {NUMBER}\s*(?:GiB|GB)", max),
    ("weights_gib", rf"Loading model weights took {NUMBER}\s*(?:GiB|GB)", max),
    ("kv_available_gib", rf"Available KV cache memory: {NUMBER}\s*GiB", min),
    ("kv_available_gib", rf"Available memory: {NUMBER}\s*(?:GiB|GB), total memory", min),
    ("kv_tokens", rf"GPU KV cache size: {NUMBER} tokens", min),
    # The estimate is what the cache pays for; older versions print only what the capture took.
    ("cuda_graphs_gib", rf"Estimated CUDA graph memory: {NUMBER}\s*GiB", max),
    ("cuda_graphs_gib", rf"Graph capturing finished in [\d.]+ secs?, took {NUMBER}\s*GiB", max),
    ("total_gib", rf"Free memory on device\s+(?:\S+ )?\([\d.]+/{NUMBER}\s*GiB\)", max),
    ("total_gib", rf"total_gpu_memory={NUMBER}\s*GiB", max),
    ("gpu_memory_utilization", rf"Desired GPU memory utilization is \({NUMBER},", max),
    # The summary after start-up; the newer one counts the graphs' estimate in the activation.
    ("activation_gib", rf"{NUMBER} GiB for peak activation", max),
    ("non_torch_gib", rf"{NUMBER} GiB for non-torch memory", max),
    ("cuda_graphs_gib", rf"{NUMBER} GiB for CUDAGraph memory", max),
    ("gpu_memory_utilization", rf"is less than desired GPU memory utilization \({NUMBER},", max),
    ("gpu_memory_utilization", rf"gpu_memory_utilization={NUMBER}", max),
    ("gpu_memory_utilization", rf"--gpu-memory-utilization[= ]{NUMBER}", max),
    # The table of 0.6.5 and the row of 0.6.4, before the sentence.
    ("total_gib", rf"total_gpu_memory\s+{NUMBER}\s*GiB", max),
    ("gpu_memory_utilization", rf"gpu_memory_utilization\s+{NUMBER}\s*$", max),
    ("non_torch_gib", rf"non_torch_memory[ =]\s*{NUMBER}\s*GiB", max),
    ("activation_gib", rf"PyTorch activation peak memory\s+{NUMBER}\s*GiB", max),
    ("kv_available_gib", rf"available_kv_cache_memory\s+{NUMBER}\s*GiB", min),
    ("kv_available_gib", rf"kv_cache_size={NUMBER}\s*GiB", min),
    # What debug output adds.
    ("activation_gib", rf"torch peak memory increase: {NUMBER}\s*GiB", max),
    ("non_torch_gib", rf"non-torch forward increase memory: {NUMBER}\s*GiB", max),
    # Where the line of its own was cut off: the summary, and refusals, over lines or in one.
    ("kv_available_gib", rf"Current kv cache memory in use is {NUMBER}\s*GiB", min),
    ("kv_available_gib", rf"available\s+KV\s+cache\s+memory\s+\({NUMBER}\s*GiB\)", min),
)
"""Field, pattern, and which rank's figure counts: the heaviest weights, the smallest cache."""

SAID = (
    ("max_num_batched_tokens", r"Chunked prefill is enabled with max_num_batched_tokens=(\d{1,12})"),
    ("max_model_len", r"Using max model len (\d{1,12})"),
    ("max_model_len", r"Maximum concurrency for ([\d,]{1,16}) tokens per request"),
    ("max_model_len", r"max\s+seq\s+len\s+\((\d{1,12})\)"),
    ("max_num_seqs", r"warming up sampler with (\d{1,12}) dummy requests"),
    ("max_num_seqs", r"max_num_seqs \((\d{1,12})\) exceeds available Mamba cache blocks"),
)
"""Settings that lines tell in passing, taken where neither arguments nor the engine's configuration say them."""

IN_BYTES = re.compile(r"Current kv cache memory in use is (\d{1,18}) bytes", re.ASCII)

BY_HAND = "as specified by kv_cache_memory_bytes"
"""What the engine says of a cache whose size was set, which tells nothing of what is left."""

REFUSALS = (
    ("No available memory for the cache blocks", ""),
    ("To serve at least one request with the model", ""),
    ("The model's max seq len", ""),
    ("KV cache is needed, which is larger than the available KV cache memory", ""),
    ("Free memory on device ", "is less than "),
    ("CUDA out of memory", ""),
    ("OutOfMemoryError", ""),
    ("max_num_seqs (", ") exceeds available Mamba cache blocks"),
)
"""How vLLM's messages begin when memory is not enough, and what they hold further on."""

CONSUMED = re.compile(rf"Actual usage is {NUMBER} GiB for consumed memory", re.ASCII)
"""Weights and libraries together, in the summary of newer versions."""

CONFIG = {
    "model": r"[( ]model='([^']+)'",
    "tensor_parallel_size": r"tensor_parallel_size=(\d+)",
    "pipeline_parallel_size": r"pipeline_parallel_size=(\d+)",
    "data_parallel_size": r"data_parallel_size=(\d+)",
    "max_model_len": r"max_(?:seq|model)_len=(\d+)",
    "kv_cache_dtype": r"kv_cache_dtype='?(\w+)'?",
    "quantization": r"quantization='?([\w-]+)'?",
    "speculative": r"speculative_config=SpeculativeConfig\(method='(\w+)'",
}
"""Fields of the line with which the engine tells its configuration."""

VERSIONS = (
    r"Initializing an? (?:V\d )?LLM engine \(v?([\d.]{1,30})",
    r"vLLM API server version v?([\d.]{1,30})",
    r"\bversion\s+v?(\d{1,9}\.\d{1,9}\.\d{1,9})",
)

ARGUMENTS: Mapping[str, type[float] | type[int] | type[str]] = {
    "gpu_memory_utilization": float,
    "max_model_len": int,
    "max_num_seqs": int,
    "max_num_batched_tokens": int,
    "tensor_parallel_size": int,
    "pipeline_parallel_size": int,
    "data_parallel_size": int,
    "kv_cache_dtype": str,
    "quantization": str,
    "model": str,
    "max_loras": int,
    "cpu_offload_gb": float,
}
"""Fields that are read from `non-default args: {...}`."""

MOST = 10**9
"""Numbers beyond it, of GiB and of tokens alike, are no figures of an engine, and are left out."""

LONGEST_NAME = 300
"""Longest name of a model or of a data type."""

LONGEST_REFUSAL = 400
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"


def measured_budget(log: str) -> MeasuredBudget:
    """Return what a start-up log of vLLM says.

    Both engines' logs are understood, with several workers and with the prefixes and colours that log collectors and
    terminals add. Of several starts in one log the last counts.

    Args:
        log: The log's text.

    Returns:
        The figures; None for each that the log does not print.

    Raises:
        UserError: The log holds no figure of memory.
    """
    text = _last_start(plain_text(log))
    found: dict[str, Any] = {}
    for field, pattern, of_ranks in FIGURES:
        values = [
            value
            for match in re.findall(pattern, text, re.ASCII | re.MULTILINE)
            if (value := _figure(match)) is not None
        ]
        if field == "gpu_memory_utilization":
            values = [value for value in values if 0 < value <= 1]
        if values and (field not in found or field == "weights_gib"):
            value = of_ranks(values)
            found[field] = int(value) if field == "kv_tokens" else value
    for pattern in VERSIONS:
        version = re.search(pattern, text, re.ASCII)
        # A build from source without tags calls itself 0.0.0, which says nothing.
        if version and any(parsed_version(version[1]) or ()):
            found["version"] = version[1].rstrip(".")
            break
    for field, pattern in CONFIG.items():
        told = re.search(pattern, text, re.ASCII)
        setting = None if told is None or told[1] == "None" else _setting(field, told[1])
        if setting is not None:
            found[field] = setting
    found |= _arguments(text)
    for field, pattern in SAID:
        said = re.search(pattern, text, re.ASCII)
        passing = _setting(field, said[1]) if said is not None and field not in found else None
        if passing is not None:
            found[field] = passing
    in_bytes = [int(match) / 2**30 for match in IN_BYTES.findall(text)]
    if in_bytes and "kv_available_gib" not in found:
        found["kv_available_gib"] = round(min(in_bytes), 4)
    if BY_HAND in text and "kv_cache_memory_bytes" not in (found.get("arguments") or {}):
        found.pop("kv_available_gib", None)
        found.pop("kv_tokens", None)
    consumed = [value for match in CONSUMED.findall(text) if (value := _figure(match)) is not None]
    if consumed and "weights_gib" in found:
        found["non_torch_gib"] = round(max(consumed) - found["weights_gib"], 4)
        if "activation_gib" in found:
            found["activation_gib"] = round(found["activation_gib"] - found.get("cuda_graphs_gib", 0.0), 4)
    found["refused"] = _refused(text)
    figures = ("kv_available_gib", "weights_gib", "kv_tokens")
    if not any(name in found for name in figures) and not found["refused"]:
        raise UserError(
            "the log has no line that tells memory of vLLM",
            fix="give the log from the start of the engine to its first request, at level INFO",
        )
    return MeasuredBudget(**found)


def _last_start(text: str) -> str:
    starts = [match.start() for match in re.finditer(r"vLLM API server version", text)]
    return text[starts[-1] :] if len(starts) > 1 else text


def _figure(written: str) -> float | None:
    """Return a number of the log, None where it is none that an engine prints."""
    try:
        value = float(written.replace(",", ""))
    except ValueError:  # a row of commas
        return None
    return value if math.isfinite(value) and abs(value) <= MOST else None


def _setting(field: str, value: Any) -> float | int | str | None:
    """Return a setting as its field has it, None where it cannot be one."""
    kind = ARGUMENTS.get(field, str)
    if kind is str:
        return value if isinstance(value, str) and 0 < len(value) <= LONGEST_NAME else None
    if isinstance(value, str):
        value = _figure(value) if value.isascii() else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        return None
    if field.endswith(("_size", "_len", "_seqs", "_tokens")) and value < 1:
        return None
    return kind(value)


def _refused(text: str) -> str:
    for line in text.splitlines():
        for beginning, further in REFUSALS:
            start = line.find(beginning)
            if start >= 0 and line.find(further, start) >= 0:
                word = len(line[:start]) - len(line[:start].rstrip(_LETTERS))
                return line[start - word : start + LONGEST_REFUSAL].strip()[:LONGEST_REFUSAL]
    return ""


def _arguments(text: str) -> Mapping[str, Any]:
    """Return what `non-default args` say; whatever else they name is kept as flags."""
    given = printed_arguments(text)
    if given is None:
        return {}
    found = {name: value for name in ARGUMENTS if (value := _setting(name, given.get(name))) is not None}
    if given.get("enable_lora"):
        found.setdefault("max_loras", 1)
    drafting = given.get("speculative_config")
    if isinstance(drafting, Mapping):
        found["speculative"] = str(drafting.get("method") or "draft_model")[:LONGEST_NAME]
    return {**found, "arguments": MappingProxyType(dict(given))}
