"""Start-up logs of vLLM, as engines of several versions print them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from modelyard.findings import UserError
from modelyard.sizing import MeasuredBudget, measured_budget

V0 = """\
INFO 12-14 10:00:00 api_server.py:651] vLLM API server version 0.6.4
INFO 12-14 10:00:01 llm_engine.py:249] Initializing an LLM engine (v0.6.4) with config: \
model='meta-llama/Meta-Llama-3-8B', dtype=torch.bfloat16, max_seq_len=8192, tensor_parallel_size=1, \
pipeline_parallel_size=1, quantization=None, kv_cache_dtype=auto,
INFO 12-14 10:01:00 model_runner.py:1077] Loading model weights took 14.9595 GB
INFO 12-14 10:01:05 worker.py:232] the current vLLM instance can use total_gpu_memory (79.22GiB) x \
gpu_memory_utilization (0.90) = 71.29GiB
INFO 12-14 10:01:05 worker.py:232] model weights take 14.96GiB; non_torch_memory takes 1.79GiB; PyTorch activation \
peak memory takes 1.26GiB; the rest of the memory reserved for KV Cache is 53.29GiB.
INFO 12-14 10:01:05 gpu_executor.py:76] # GPU blocks: 27282, # CPU blocks: 2048
"""

TWO_RANKS = """\
(APIServer pid=1) INFO 11-05 10:00:00 [api_server.py:1839] vLLM API server version 0.11.0
(APIServer pid=1) INFO 11-05 10:00:00 [utils.py:233] non-default args: {'model': 'Qwen/Qwen2-7B-Instruct', \
'max_model_len': 16384, 'tensor_parallel_size': 2, 'gpu_memory_utilization': 0.25, 'max_num_seqs': 64}
(EngineCore_DP0 pid=9) INFO 11-05 10:00:09 [core.py:77] Initializing a V1 LLM engine (v0.11.0) with config: \
model='Qwen/Qwen2-7B-Instruct', max_seq_len=16384, tensor_parallel_size=2, pipeline_parallel_size=1, \
data_parallel_size=1, quantization=None, kv_cache_dtype=auto
\x1b[1;36m(Worker_TP0 pid=11)\x1b[0;0m INFO 11-05 10:00:20 [gpu_model_runner.py:2602] \
Model loading took 7.1217 GiB and 2.9 seconds
(Worker_TP1 pid=12) INFO 11-05 10:00:20 [gpu_model_runner.py:2602] Model loading took 7.2000 GiB and 2.9 seconds
(Worker_TP0 pid=11) INFO 11-05 10:00:30 [gpu_worker.py:298] Available KV cache memory: 12.02 GiB
(Worker_TP1 pid=12) INFO 11-05 10:00:30 [gpu_worker.py:298] Available KV cache memory: 11.90 GiB
(EngineCore_DP0 pid=9) INFO 11-05 10:00:31 [kv_cache_utils.py:1087] GPU KV cache size: 445,696 tokens
(Worker_TP0 pid=11) INFO 11-05 10:00:40 [gpu_model_runner.py:3480] Graph capturing finished in 4 secs, took 0.65 GiB
"""

NEW = """\
INFO 10-08 16:50:22 [core.py:129] Initializing a V1 LLM engine (v0.31.0) with config: \
model='Qwen/Qwen2.5-7B-Instruct-AWQ', max_seq_len=4096, tensor_parallel_size=1, \
quantization=auto_awq, kv_cache_dtype=fp8
INFO 10-08 16:50:26 [model_runner.py:407] Model loading took: 5.38 GiB memory and 2.637574 seconds
INFO 10-08 16:50:30 [gpu_worker.py:692] Available KV cache memory: 34.79 GiB
INFO 10-08 16:50:30 [gpu_worker.py:710] CUDA graph memory profiling is enabled (default since v0.21.0). The current \
--gpu-memory-utilization=0.3000 is equivalent to --gpu-memory-utilization=0.2950 without CUDA graph memory profiling.
INFO 10-08 16:50:30 [kv_cache_utils.py:2464] GPU KV cache size: 651,504 tokens, Maximum concurrency for 4,096 tokens \
per request: 159.06x
"""

REFUSED = """\
(EngineCore pid=1) INFO [gpu_model_runner.py:1] Model loading took 65.9651 GiB and 30.0 seconds
(EngineCore pid=1) INFO [gpu_worker.py:276] Available KV cache memory: -2.14 GiB
(EngineCore pid=1) ERROR [core.py:700] ValueError: No available memory for the cache blocks. Try increasing \
`gpu_memory_utilization` when initializing the engine.
"""


def test_the_sentence_of_the_first_engine() -> None:
    assert measured_budget(V0) == MeasuredBudget(
        model="meta-llama/Meta-Llama-3-8B",
        version="0.6.4",
        tensor_parallel_size=1,
        pipeline_parallel_size=1,
        gpu_memory_utilization=0.9,
        max_model_len=8192,
        kv_cache_dtype="auto",
        total_gib=79.22,
        weights_gib=14.9595,
        activation_gib=1.26,
        non_torch_gib=1.79,
        kv_available_gib=53.29,
    )


def test_of_several_ranks_the_heaviest_weights_and_the_smallest_cache_count() -> None:
    found = measured_budget(TWO_RANKS)
    assert (found.weights_gib, found.kv_available_gib, found.kv_tokens) == (7.2, 11.9, 445_696)
    assert (found.tensor_parallel_size, found.max_num_seqs, found.gpu_memory_utilization) == (2, 64, 0.25)
    assert (found.version, found.cuda_graphs_gib, found.model) == ("0.11.0", 0.65, "Qwen/Qwen2-7B-Instruct")


def test_a_newer_log() -> None:
    found = measured_budget(NEW)
    assert (found.version, found.weights_gib, found.kv_available_gib, found.kv_tokens) == (
        "0.31.0",
        5.38,
        34.79,
        651_504,
    )
    assert (found.gpu_memory_utilization, found.kv_cache_dtype, found.quantization) == (0.3, "fp8", "auto_awq")


def test_the_summary_after_start_up_is_no_refusal() -> None:
    told = (
        "INFO [gpu_model_runner.py:1] Model loading took 15.27 GiB memory and 3 seconds\n"
        "DEBUG [gpu_worker.py:598] Free memory on device (47.03/47.37 GiB) on startup. Desired GPU memory utilization "
        "is (0.9, 42.64 GiB). Actual usage is 15.27 GiB for weight, 1.4 GiB for peak activation, 0.03 GiB for "
        "non-torch memory, and 0.54 GiB for CUDAGraph memory.\n"
    )
    found = measured_budget(told)
    assert (found.total_gib, found.gpu_memory_utilization, found.refused) == (47.37, 0.9, "")
    assert (found.weights_gib, found.activation_gib, found.non_torch_gib) == (15.27, 1.4, 0.03)


def test_the_newer_summary_counts_libraries_with_weights_and_graphs_with_activation() -> None:
    told = (
        "INFO [model_runner.py:422] Model loading took 38.24 GiB memory and 226.5 seconds\n"
        "INFO [gpu_model_runner.py:1] Estimated CUDA graph memory: 1.20 GiB total\n"
        "INFO [gpu_worker.py:637] Available KV cache memory: 81.79 GiB\n"
        "INFO [gpu_worker.py:876] Free memory on device (137.64/139.8 GiB) on startup. Desired GPU memory utilization "
        "is (0.9, 125.82 GiB). Actual usage is 39.98 GiB for consumed memory (weights + non-torch), 4.04 GiB for peak "
        "activation, and 1.2 GiB for CUDAGraph memory. Current kv cache memory in use is 81.79 GiB.\n"
    )
    found = measured_budget(told)
    assert (found.weights_gib, found.non_torch_gib, found.activation_gib) == (38.24, 1.74, 2.84)
    assert found.total_gib is not None and found.gpu_memory_utilization is not None and found.kv_available_gib == 81.79
    parts = (found.weights_gib or 0) + (found.non_torch_gib or 0) + (found.activation_gib or 0) + 1.2 + 81.79
    assert parts == pytest.approx(139.8 * 0.9, abs=0.05), "the parts add up to what the engine took"


def test_too_little_free_memory_is_a_refusal() -> None:
    told = (
        "ValueError: Free memory on device cuda:0 (9.02/11.63 GiB) on startup is less than desired GPU memory "
        "utilization (0.9, 10.47 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes."
    )
    found = measured_budget(told)
    assert found.total_gib == 11.63 and found.refused.startswith("Free memory on device cuda:0 (9.02/11.63 GiB)")


def test_a_refusal_is_kept_with_its_message() -> None:
    found = measured_budget(REFUSED)
    assert found.kv_available_gib == -2.14
    assert found.refused.startswith("No available memory for the cache blocks")


def test_the_last_start_of_a_restarted_container_counts() -> None:
    again = TWO_RANKS.replace("12.02", "10.5").replace("11.90", "10.4")
    assert measured_budget(TWO_RANKS + again).kv_available_gib == 10.4


@pytest.mark.parametrize("log", ["", "nothing of the kind\n", "GPU KV cache size: many tokens"])
def test_a_log_without_figures_is_refused(log: str) -> None:
    with pytest.raises(UserError, match="no line that tells memory"):
        measured_budget(log)


def test_a_measured_budget_survives_a_file() -> None:
    found = measured_budget(TWO_RANKS)
    stored = found.to_mapping()
    assert stored["kv-available-gib"] == 11.9 and "total-gib" not in stored
    assert MeasuredBudget.from_mapping(stored) == found
    with pytest.raises(UserError, match="no field kv-availible"):
        MeasuredBudget.from_mapping({"kv-availible": 1})


NESTED = """\
(APIServer pid=1) INFO 11-05 10:00:00 [utils.py:233] non-default args: {'model': 'Qwen/Qwen2-7B-Instruct', \
'max_num_seqs': 64, 'kv_transfer_config': KVTransferConfig(kv_connector='NixlConnector', kv_rank=None), \
'attention_config': AttentionConfig(backend=<Backend.FLASH: 'x'>, flags={'a': 1}), 'enforce_eager': True}
(EngineCore_DP0 pid=9) INFO [core.py:77] Initializing a V1 LLM engine (v0.19.2rc1.dev3+g1) with config: \
model='Qwen/Qwen2-7B-Instruct', max_seq_len=16384, tensor_parallel_size=2
(Worker_TP0 pid=11) INFO [gpu_worker.py:298] Available KV cache memory: 12.02 GiB
"""


def test_arguments_with_objects_are_read_whole() -> None:
    found = measured_budget(NESTED)
    assert (found.version, found.max_num_seqs) == ("0.19.2", 64)
    assert found.arguments is not None and found.arguments["enforce_eager"] is True
    assert found.arguments["kv_transfer_config"]["kv_connector"] == "NixlConnector"


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda line: f"2026-11-05T10:00:00Z stdout F {json.dumps({'log': line, 'stream': 'stdout'})}",
        lambda line: json.dumps({"time": "x", "message": line}),
        lambda line: json.dumps({"severity": "INFO", "jsonPayload": {"message": line}}),
        lambda line: "[pod/chat-0/engine] 2026-11-05T10:00:00Z ^[[0;36m" + line + "^[[0m",
        lambda line: "\x1b[1;36m" + line + "\x1b[0;0m",
    ],
)
def test_what_collectors_and_terminals_put_around_lines_is_taken_off(wrapped: Callable[[str], str]) -> None:
    assert measured_budget("\n".join(map(wrapped, NESTED.splitlines()))) == measured_budget(NESTED)


def test_an_older_engine_prints_all_its_arguments_and_its_cache_in_tokens() -> None:
    found = measured_budget(
        "INFO vLLM API server version 0.8.5\n"
        "INFO [api_server.py:1044] args: Namespace(model='Qwen/Qwen3-8B', max_num_seqs=8, func=<function serve>)\n"
        "INFO [kv_cache_utils.py:634] GPU KV cache size: 33,504 tokens\n"
    )
    assert (found.kv_tokens, found.max_num_seqs, found.kv_available_gib) == (33_504, 8, None)


FORMS = {
    "a table of 0.6.5": (
        "worker.py:243] total_gpu_memory     79.22GiB\nworker.py:243] gpu_memory_utilization       0.90\n"
        "worker.py:243] model weights take   14.96GiB\nworker.py:243] non_torch_memory     1.79GiB\n"
        "worker.py:243] available_kv_cache_memory    53.29GiB",
        {"total_gib": 79.22, "gpu_memory_utilization": 0.9, "weights_gib": 14.96, "kv_available_gib": 53.29},
    ),
    "a row of 0.6.4 that refuses": (
        "Memory profiling results: total_gpu_memory=23.58GiB peak_torch_memory=17.98GiB non_torch_memory=0.35GiB "
        "kv_cache_size=2.89GiB gpu_memory_utilization=0.90\nMaximum concurrency for 29000 tokens per request: 0.82x\n"
        "The model's max seq len (29000) is larger than the maximum number of tokens that can be stored in KV cache",
        {"kv_available_gib": 2.89, "non_torch_gib": 0.35, "max_model_len": 29000},
    ),
    "what the LLM class takes for a batch": (
        "INFO [scheduler.py:222] Chunked prefill is enabled with max_num_batched_tokens=16384.\n"
        "Current kv cache memory in use is 59212694937 bytes.\nGPU KV cache size: 451,744 tokens",
        {"max_num_batched_tokens": 16384, "kv_available_gib": 55.1461},
    ),
    "a summary alone": (
        "Free memory on device (91.64/94.97 GiB) on startup. Desired GPU memory utilization is (0.91, 86.42 GiB). "
        "Actual usage is 64.44 GiB for consumed memory (weights + non-torch), 4.19 GiB for peak activation, and 0.25 "
        "GiB for CUDAGraph memory. Current kv cache memory in use is 17.79 GiB.",
        {"total_gib": 94.97, "gpu_memory_utilization": 0.91, "kv_available_gib": 17.79},
    ),
    "a refusal over lines": (
        "ValueError: To serve at least one request with the model's max seq len\n  (16384), (3.0 GiB KV cache is "
        "needed, which is larger than the available KV cache memory\n  (0.18 GiB). Based on the available memory, ...",
        {"max_model_len": 16384, "kv_available_gib": 0.18},
    ),
    "too few recurrent states": (
        "(EngineCore pid=1) ValueError: max_num_seqs (1024) exceeds available Mamba cache blocks (524).",
        {"max_num_seqs": 1024},
    ),
    "a sampler that found no memory": (
        "RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy requests.",
        {"max_num_seqs": 1024},
    ),
    "a cache set by hand": (
        "reserved 4.25 GiB memory for KV Cache as specified by kv_cache_memory_bytes config\n"
        "ValueError: To serve at least one request with the model's max seq len (100000), (4.26 GiB KV cache is "
        "needed, which is larger than the available KV cache memory (4.25 GiB).",
        {"kv_available_gib": None, "max_model_len": 100000},
    ),
    "too little free memory": (
        "ValueError: Free memory on device cuda:0 (9.02/11.63 GiB) on startup is less than desired GPU memory "
        "utilization (0.9, 10.47 GiB).",
        {"total_gib": 11.63, "gpu_memory_utilization": 0.9},
    ),
    "a refusal whose beginning was cut off": (
        "8.18 GiB KV cache is needed, which is larger than the available KV cache memory (7.04 GiB)",
        {"kv_available_gib": 7.04},
    ),
    "a collector's time before the process, and empty lines between": (
        "2026-05-01 22:47:46.772 | (EngineCore pid=187) INFO Model loading took 17.66 GiB memory and 12.1 seconds\n\n"
        "2026-05-01 22:48:47.100 | (EngineCore pid=187) INFO GPU KV cache size: 560,445 tokens, Maximum concurrency "
        "for 262,144 tokens per request: 2.14x\n\n(APIServer) INFO non-default args: {'max_num_seqs': 4}",
        {"weights_gib": 17.66, "kv_tokens": 560_445, "max_model_len": 262_144, "max_num_seqs": 4},
    ),
    "a build without a version": (
        "vLLM API server version 0.0.0\nAvailable KV cache memory: 3.5 GiB",
        {"version": "", "kv_available_gib": 3.5},
    ),
    "debug output": (
        "[Worker_TP3 pid=540] DEBUG Total non KV cache memory: 1.56GiB; torch peak memory increase: 0.22GiB; non-torch "
        "forward increase memory: 0.09GiB; weights memory: 1.24GiB.\nAvailable KV cache memory: 17.24 GiB",
        {"weights_gib": 1.24, "activation_gib": 0.22, "non_torch_gib": 0.09, "kv_available_gib": 17.24},
    ),
}


@pytest.mark.parametrize(("log", "figures"), FORMS.values(), ids=FORMS)
def test_forms_of_older_and_newer_engines_and_of_refusals(log: str, figures: dict[str, Any]) -> None:
    found = measured_budget(log)
    assert {name: getattr(found, name) for name in figures} == figures


def test_refusals_are_known_as_such() -> None:
    refusing = [name for name, (log, _) in FORMS.items() if measured_budget(log).refused]
    assert refusing == [
        "a row of 0.6.4 that refuses",
        "a refusal over lines",
        "too few recurrent states",
        "a sampler that found no memory",
        "a cache set by hand",
        "too little free memory",
        "a refusal whose beginning was cut off",
    ]
