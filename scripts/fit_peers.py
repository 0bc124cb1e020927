"""Print how far estimators are from the KV cache that engines logged: `modelyard fit` and its peers on the same points.

Peers: the rules that llm-d-planner and KAITO publish, and the code of aiconfigurator-core where it is installed (its
fallback for models without a database). All get the same logged device memory, utilisation and flags; "own" weights are
those that each estimator works out, for llm-d-planner and KAITO the exact ones of `modelyard`, which favours them.
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


ESTIMATORS: Mapping[str, Estimator] = {
    "modelyard": modelyard,
    "llm-d-planner": planner,
    "KAITO": kaito,
    "aiconfigurator-core": aiconfigurator,
}


def main() -> int:
    """Print the table."""
    configs = {
        point["case"]: json.loads((TABLE["DEPLOYMENTS"] / "configs" / f"{point['config']}.json").read_text())
        for point in json.loads((TABLE["DEPLOYMENTS"] / "deployments.json").read_text())["points"]
    }
    rows = [row for row in (*TABLE["deployments"](), *TABLE["calibrated"]()) if row.kv_gib is not None]
    sys.stdout.write("| estimator | points | median error | largest |\n|---|---|---|---|\n")
    for name, estimate in ESTIMATORS.items():
        answers = [(estimate(row.assessment, configs.get(row.name)), row.kv_gib) for row in rows]
        errors = sorted(abs(said - logged) for said, logged in answers if said is not None)
        told = f"{median(errors):.2f} GiB | {errors[-1]:.2f} GiB" if errors else "not installed |"
        sys.stdout.write(f"| {name} | {len(errors)} of {len(rows)} | {told} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
