"""Print how far estimators are from the KV cache that engines logged: `modelyard fit` and its peers on the same points.

Peers: the rules that llm-d-planner and KAITO publish, and the code of aiconfigurator-core where it is installed (its
fallback for models without a database). All get the same logged device memory, utilisation and flags; "own" weights are
those that each estimator works out, for llm-d-planner and KAITO the exact ones of `modelyard`, which favours them.

hf-mem says what weights and one request take, not what is left, and reads weights from the hub alone; its code for the
cache is held against the requests that engines logged, where it is installed.
"""

from __future__ import annotations

import json
import runpy
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from modelyard import catalog
from modelyard.sizing import Assessment

TABLE = runpy.run_path(str(Path(__file__).with_name("fit_table.py")))
GIB = 2**30

Estimator = Callable[[Assessment, Mapping[str, Any] | None], float | None]


def modelyard(found: Assessment, config: Mapping[str, Any] | None) -> float | None:
    """Return what `modelyard fit` leaves for the cache in GiB."""
    del config
    return found.budget.kv_available_gib


def planner(found: Assessment, config: Mapping[str, Any] | None) -> float | None:
    """Return llm-d-planner's rule: an activation by family (llm-d-planner@e50305af, H100 and vLLM 0.11)."""
    shape = catalog.shape_from_config(config) if config is not None else None
    name = shape.architecture if shape is not None else ""
    activation = 8.0 if shape is not None and shape.experts else 5.6 if name.startswith("Qwen") else 4.8
    libraries = 0.15 if found.settings.tensor_parallel_size == 1 else 0.6
    budget = found.budget
    return budget.total_gib * found.settings.gpu_memory_utilization - budget.weights_gib - activation - libraries


def kaito(found: Assessment, config: Mapping[str, Any] | None) -> float | None:
    """Return KAITO's rule: 1.02 times the weights, 2.3 GiB and 5 % of them (kaito@056b8280)."""
    del config
    budget = found.budget
    weights = 1.02 * budget.weights_gib
    return budget.total_gib * found.settings.gpu_memory_utilization - weights - 2.3 - 0.05 * budget.weights_gib


def aiconfigurator(found: Assessment, config: Mapping[str, Any] | None) -> float | None:
    """Return what aiconfigurator-core's memory module says; None where it is not installed or has no answer."""
    try:
        # By its name, since it is no dependency and linting has no stubs of it.
        estimate_kv_cache = import_module("aiconfigurator_core.sdk.memory").estimate_kv_cache
    except ImportError:
        return None
    if config is None:
        return None
    settings = found.settings
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(config))
        try:
            answer = estimate_kv_cache(
                folder,
                "h100_sxm",
                "vllm",
                max_num_tokens=settings.max_num_batched_tokens,
                max_batch_size=settings.max_num_seqs,
                memory_fraction_kind="of_total",
                memory_fraction_value=settings.gpu_memory_utilization,
                tp_size=settings.tensor_parallel_size,
                pp_size=settings.pipeline_parallel_size,
                gpu_memory_capacity_bytes_override=int(found.budget.total_gib * GIB),
                allow_naive_fallback=True,
            )
        except Exception:
            return None
    return float(answer["total_kv_size_bytes"]) / GIB


def hf_mem(found: Assessment, config: Mapping[str, Any]) -> float | None:
    """Return what hf-mem's code says that a request of the longest length takes on a rank, in GiB."""
    try:
        of_request = import_module("hf_mem.safetensors.kv_cache").compute_safetensors_kv_cache_size
    except ImportError:
        return None
    text, settings = config.get("text_config") or config, found.settings
    kind = "F8_E4M3" if settings.kv_dtype.startswith("fp8") else "BF16"
    try:
        said = of_request(dict(text), kind, found.budget.max_model_len)
    except (KeyError, TypeError, RuntimeError, ZeroDivisionError):
        return None
    return float(said) / GIB / settings.tensor_parallel_size


def requests_table(points: list[Mapping[str, Any]], configs: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how far one request of the longest length is from what engines logged, as a table."""
    found = {row.name: row.assessment for row in TABLE["deployments"]()}
    logged = {point["case"]: point["truth"]["request-gib"] for point in points if "request-gib" in point["truth"]}
    lines = ["| estimator | requests | median error | largest |", "|---|---|---|---|"]
    for name, estimate in (("modelyard", lambda each, _: each.budget.kv_request_gib), ("hf-mem", hf_mem)):
        answers = [(estimate(found[case], configs[case]), gib) for case, gib in logged.items()]
        errors = sorted(abs(said - gib) for said, gib in answers if said is not None)
        told = f"{median(errors):.2f} GiB | {errors[-1]:.2f} GiB" if errors else "not installed |"
        lines.append(f"| {name} | {len(errors)} of {len(logged)} | {told} |")
    return "\n".join(lines)


ESTIMATORS: Mapping[str, Estimator] = {
    "modelyard": modelyard,
    "llm-d-planner": planner,
    "KAITO": kaito,
    "aiconfigurator-core": aiconfigurator,
}


def main() -> int:
    """Print the table."""
    points = json.loads((TABLE["DEPLOYMENTS"] / "deployments.json").read_text())["points"]
    configs = {
        point["case"]: json.loads((TABLE["DEPLOYMENTS"] / "configs" / f"{point['config']}.json").read_text())
        for point in points
    }
    rows = [row for row in (*TABLE["deployments"](), *TABLE["calibrated"]()) if row.kv_gib is not None]
    sys.stdout.write("| estimator | points | median error | largest |\n|---|---|---|---|\n")
    for name, estimate in ESTIMATORS.items():
        answers = [(estimate(row.assessment, configs.get(row.name)), row.kv_gib) for row in rows]
        errors = sorted(abs(said - logged) for said, logged in answers if said is not None)
        told = f"{median(errors):.2f} GiB | {errors[-1]:.2f} GiB" if errors else "not installed |"
        sys.stdout.write(f"| {name} | {len(errors)} of {len(rows)} | {told} |\n")
    sys.stdout.write(f"\n{requests_table(points, configs)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
