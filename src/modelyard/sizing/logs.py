"""Reading a measured budget from vLLM's start-up log."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

from modelyard.findings import Refusal
from modelyard.sizing.engine_defaults import parsed_version
from modelyard.sizing.measured import MeasuredBudget

NUMBER = r"(-?[\d,]+(?:\.\d+)?)"

FIGURES: tuple[tuple[str, str, Callable[[list[float]], float]], ...] = (
    # The sentence of the V0 engine.
    ("total_gib", rf"total_gpu_memory \({NUMBER}\s*GiB\)", max),
    ("gpu_memory_utilization", rf"gpu_memory_utilization \({NUMBER}\)", max),
    ("weights_gib", rf"model weights take {NUMBER}\s*GiB", max),
    ("non_torch_gib", rf"non_torch_memory takes {NUMBER}\s*GiB", max),
    ("activation_gib", rf"PyTorch activation peak memory takes {NUMBER}\s*GiB", max),
    ("kv_available_gib", rf"the rest of the memory reserved for KV Cache is {NUMBER}\s*GiB", min),
    # The lines of the V1 engine.
    ("weights_gib", rf"Model loading took {NUMBER}\s*(?:GiB|GB)", max),
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
    ("gpu_memory_utilization", rf"gpu_memory_utilization={NUMBER}", max),
    ("gpu_memory_utilization", rf"--gpu-memory-utilization[= ]{NUMBER}(?! is equivalent)", max),
)
"""Field, pattern, and which rank's figure counts: the heaviest weights, the smallest cache."""

REFUSALS = (
    r"No available memory for the cache blocks.*",
    r"To serve at least one request with the model.*",
    r"The model's max seq len.*",
    r"Free memory on device .*is less than .*",
    r"CUDA out of memory.*",
    r"\w*OutOfMemoryError.*",
)
"""vLLM's messages when memory is not enough."""

CONSUMED = re.compile(rf"Actual usage is {NUMBER} GiB for consumed memory")
"""Weights and libraries together, in the summary of newer versions."""

CONFIG = {
    "model": r"[( ]model='([^']+)'",
    "tensor_parallel_size": r"tensor_parallel_size=(\d+)",
    "pipeline_parallel_size": r"pipeline_parallel_size=(\d+)",
    "data_parallel_size": r"data_parallel_size=(\d+)",
    "max_model_len": r"max_(?:seq|model)_len=(\d+)",
    "kv_cache_dtype": r"kv_cache_dtype='?([\w]+)'?",
    "quantization": r"quantization='?([\w-]+)'?",
    "speculative": r"speculative_config=SpeculativeConfig\(method='(\w+)'",
}
"""Fields of the line with which the engine tells its configuration."""

VERSIONS = (
    r"Initializing an? (?:V\d )?LLM engine \(v?([\d.]+)",
    r"vLLM API server version v?([\d.]+)",
    r"\bversion\s+v?(\d+\.\d+\.\d+)",
)

ARGUMENTS = {
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

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def measured_budget(log: str) -> MeasuredBudget:
    """Return what a start-up log of vLLM says.

    Both engines' logs are understood, with several workers and with the prefixes and colours that log collectors and
    terminals add. Of several starts in one log the last counts.

    Args:
        log: The log's text.

    Returns:
        The figures; None for each that the log does not print.

    Raises:
        Refusal: The log holds no figure of memory.
    """
    text = _last_start(COLOUR.sub("", log))
    found: dict[str, Any] = {}
    for field, pattern, of_ranks in FIGURES:
        values = [float(match.replace(",", "")) for match in re.findall(pattern, text)]
        if values and (field not in found or field == "weights_gib"):
            value = of_ranks(values)
            found[field] = int(value) if field == "kv_tokens" else value
    for pattern in VERSIONS:
        version = re.search(pattern, text)
        if version and parsed_version(version[1]):
            found["version"] = version[1].rstrip(".")
            break
    for field, pattern in CONFIG.items():
        told = re.search(pattern, text)
        if told and told[1] != "None":
            found[field] = int(told[1]) if told[1].isdigit() else told[1]
    found |= _arguments(text)
    consumed = [float(match) for match in CONSUMED.findall(text)]
    if consumed and "weights_gib" in found:
        found["non_torch_gib"] = round(max(consumed) - found["weights_gib"], 4)
        if "activation_gib" in found:
            found["activation_gib"] = round(found["activation_gib"] - found.get("cuda_graphs_gib", 0.0), 4)
    found["refused"] = _refused(text)
    if "kv_available_gib" not in found and "weights_gib" not in found and not found["refused"]:
        raise Refusal(
            "the log has no line that tells memory of vLLM",
            fix="give the log from the start of the engine to its first request, at level INFO",
        )
    return MeasuredBudget(**found)


def _last_start(text: str) -> str:
    starts = [match.start() for match in re.finditer(r"vLLM API server version", text)]
    return text[starts[-1] :] if len(starts) > 1 else text


def _refused(text: str) -> str:
    for line in text.splitlines():
        for message in REFUSALS:
            told = re.search(message, line)
            if told:
                return told[0][:400].strip()
    return ""


def _arguments(text: str) -> Mapping[str, Any]:
    told = re.search(r"non-default args: (\{.*\})", text)
    if not told:
        return {}
    try:
        given = ast.literal_eval(told[1])
    except (ValueError, SyntaxError):
        return {}  # objects without a literal form; single fields are still read from the other lines
    found = {name: kind(given[name]) for name, kind in ARGUMENTS.items() if given.get(name) is not None}
    if given.get("enable_lora"):
        found.setdefault("max_loras", 1)
    drafting = given.get("speculative_config")
    if isinstance(drafting, Mapping):
        found["speculative"] = str(drafting.get("method") or "draft_model")
    return found
