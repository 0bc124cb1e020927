"""Write what other estimators say of the published points, for `scripts/plan_table.py --peers FILE`.

    PYTHONPATH=FOLDER scripts/plan_peers.py FILE

FOLDER holds installed wheels: aiconfigurator-core 0.12.0 with what it needs (Linux), and llm-d-planner 0.3.3 without
its dependencies. One that is not there is left out. Both run by their own defaults, without tuning:

- aiconfigurator-core: mode SILICON, its newest data of the device, the point's lengths, requests at once and ranks. A
  new backend for each point, since one caches by lengths and requests alone; the model from a folder, never from a hub.
- llm-d-planner: its own table of rows, by model, device, devices and lengths, as its look-up does; the row of the least
  rate that is not below the point's. Its fallback estimates by a package that its wheel does not bring.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from importlib import import_module, metadata, resources
from pathlib import Path
from typing import Any

from planning.points import Benchmark, benchmarks

SYSTEMS = {
    "H100": ("h100_sxm", "0.24.0"),
    "H200": ("h200_sxm", "0.24.0"),
    "B200": ("b200_sxm", "0.24.0"),
    "B300": ("b300_sxm", "0.24.0"),
    "A100-80GB": ("a100_sxm", "0.14.0"),
    "L40S": ("l40s", "0.24.0"),
}
"""aiconfigurator-core's systems with measured kernels, and their version of vLLM, by the points' devices."""

CONFIGS = {
    "Kimi-K2.5 fp4": "nvidia--Kimi-K2.5-NVFP4",
    "Kimi-K2.5 int4": "moonshotai--Kimi-K2.5",
    "Llama-3-70B bf16": "meta-llama--Meta-Llama-3.1-70B",
    "Llama-3-70B fp8": "nvidia--Llama-3.1-70B-Instruct-FP8",
    "Llama-3-8B bf16": "meta-llama--Meta-Llama-3.1-8B",
    "MiniMax-M2.5 fp4": "nvidia--MiniMax-M2.5-NVFP4",
    "MiniMax-M2.5 fp8": "MiniMaxAI--MiniMax-M2.5",
    "Qwen3-235B fp8": "Qwen--Qwen3-235B-A22B-FP8",
    "Qwen3-32B bf16": "Qwen--Qwen3-32B",
    "Qwen3-8B bf16": "Qwen--Qwen3-8B",
    "gpt-oss-120b fp4": "openai--gpt-oss-120b",
    "gpt-oss-120b mxfp4": "openai--gpt-oss-120b",
}
"""The configs that its wheel brings, by the points' shapes; those of other precisions are not among them."""

DEVICES = {"H100": "H100", "A100-80GB": "A100-80"}
"""llm-d-planner's devices by the points'."""

MODELS = {
    "gpt-oss-120b mxfp4": "openai/gpt-oss-120b",
    "gpt-oss-120b fp4": "openai/gpt-oss-120b",
    "gpt-oss-20b mxfp4": "openai/gpt-oss-20b",
    "Llama-3-70B bf16": "meta-llama/llama-3.3-70b-instruct",
    "Llama-3-8B bf16": "meta-llama/llama-3.1-8b-instruct",
    "Qwen2.5-7B bf16": "qwen/qwen2.5-7b-instruct",
}
"""Its models by the points' shapes."""

Times = tuple[float, float]


class NoAnswerError(Exception):
    """An estimator says nothing of a point; the message says why."""


def aiconfigurator(point: Benchmark, folder: Path) -> Times:
    """Return what aiconfigurator-core says of a point.

    Raises:
        NoAnswerError: It does not know the device, the model or a kernel.
    """
    core = "aiconfigurator_core.sdk"
    system, config = SYSTEMS.get(point.gpu), CONFIGS.get(point.shape)
    if system is None:
        raise NoAnswerError(f"no kernels of {point.gpu}")
    if config is None:
        raise NoAnswerError(f"no config of {point.shape}")
    home = folder / config
    if not home.is_dir():
        home.mkdir()
        configs = resources.files("aiconfigurator_core") / "model_configs"
        for suffix in ("config.json", "hf_quant_config.json"):
            source = configs / f"{config}_{suffix}"
            if source.is_file():
                (home / suffix).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    try:
        database = import_module(f"{core}.perf_database").get_database_view(system[0], "vllm", system[1])
        settings = import_module(f"{core}.config")
        model = import_module(f"{core}.models").get_model(
            str(home),
            settings.ModelConfig(tp_size=point.ranks, pp_size=1, moe_tp_size=point.ranks, moe_ep_size=1),
            "vllm",
        )
        backend = import_module(f"{core}.backends.factory").get_backend("vllm")
        told = settings.RuntimeConfig(isl=point.prompt, osl=point.output, batch_size=int(point.requests or 1), prefix=0)
        result = backend.run_agg(model, database, told, ctx_tokens=point.prompt).get_result_dict()
        return float(result["ttft"]), float(result["tpot"])
    except Exception as error:  # whatever it raises is its answer
        raise NoAnswerError(f"{type(error).__name__}: {str(error).splitlines()[0][:60]}") from error


def planner(point: Benchmark, rows: list[dict[str, Any]]) -> Times:
    """Return what llm-d-planner's table says of a point.

    Raises:
        NoAnswerError: The table has no row of it.
    """
    model, device = MODELS.get(point.shape), DEVICES.get(point.gpu)
    if device is None:
        raise NoAnswerError(f"no rows of {point.gpu}")
    if model is None:
        raise NoAnswerError(f"no rows of {point.shape}")
    same = [
        row
        for row in rows
        if (row.get("model_hf_repo"), row["hardware"], row["hardware_count"]) == (model, device, point.ranks)
        and (row["prompt_tokens"], row["output_tokens"]) == (point.prompt, point.output)
    ]
    seconds = ((point.ttft_ms or 0.0) + (point.itl_ms or 0.0) * point.output) / 1e3
    rate = (point.requests or 1.0) / seconds
    above = [row for row in same if row["requests_per_second"] >= rate]
    if not above:
        raise NoAnswerError("no row of these devices, lengths and rate")
    best = min(above, key=lambda row: float(row["requests_per_second"]))
    return float(best["ttft_mean"]), float(best["itl_mean"])


def planner_rows() -> list[dict[str, Any]]:
    """Return the rows of llm-d-planner's table; its second one is interpolated and of other models."""
    folder = resources.files("planner") / "data" / "performance"
    told = json.loads((folder / "benchmarks_BLIS.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = told["benchmarks"]
    return found


def installed(name: str) -> str:
    """Return a package's name with its version; empty where it is not installed."""
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return ""


def main() -> int:
    """Write the file."""
    target = Path(sys.argv[1])
    found: dict[str, Any] = {}
    points = [point for point in benchmarks() if point.steady]
    with tempfile.TemporaryDirectory() as folder:
        for package in ("aiconfigurator-core", "llm-d-planner"):
            name = installed(package)
            if not name:
                sys.stderr.write(f"{package} is not installed\n")
                continue
            rows = planner_rows() if package == "llm-d-planner" else []
            times: dict[int, Times] = {}
            gaps: Counter[str] = Counter()
            for point in points:
                try:
                    times[point.id] = planner(point, rows) if rows else aiconfigurator(point, Path(folder))
                except NoAnswerError as error:
                    gaps[str(error)] += point.held_out
            found[name] = {"times": times, "gaps": {why: count for why, count in gaps.items() if count}}
            sys.stderr.write(f"{name}: {len(times)} of {len(points)} points, {dict(gaps)}\n")
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
