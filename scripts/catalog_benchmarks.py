"""Take published measurements of serving over into the data that the speed of deployments is fitted on.

    scripts/catalog_benchmarks.py POINTS.json --configs FOLDER

POINTS.json holds `points` (one row a point: model, gpu, count, tp, version, dtype, isl, osl, concurrency or rps, load,
ttft_ms, itl_ms, tokens a second, source, note, quality) and `rejected` (sources that were read and not taken, with the
reason). FOLDER holds `<organisation>--<model>_config.json` of models that the catalogue does not have, such as
`aiconfigurator_core/model_configs` of the wheel of aiconfigurator-core 0.12.0.

A point is taken when its model's shape, its device and its lengths are known, when the model fits the devices that it
names, when it is above the floor of physics (`modelyard.planning.floor`), and when its sweep's load is possible
(`beyond_peak`). What is not taken is written down with the reason. Which families are held out, and never fitted on, is
frozen in scripts/planning/split.json; one that is not listed is held out by the rule of that file, which looks at its
name alone.

Writes scripts/planning/benchmarks.json and scripts/planning/shapes.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from modelyard.catalog import Model, ModelShape, Quantization, models
from modelyard.catalog.model_configs import shape_from_config
from modelyard.catalog.models import model_to_mapping
from modelyard.planning.floor import floor, least_busy
from modelyard.planning.speed import Machine
from modelyard.planning.work import model_work
from planning.points import Benchmark, benchmark_device, room_at_most

FOLDER = Path(__file__).parent / "planning"

FAMILIES = (
    (r"MiniMax-M2\.5", "MiniMax-M2.5", {"fp8": "MiniMaxAI--MiniMax-M2.5", "fp4": "nvidia--MiniMax-M2.5-NVFP4"}),
    (r"Kimi-K2\.5", "Kimi-K2.5", {"int4": "moonshotai--Kimi-K2.5", "fp4": "nvidia--Kimi-K2.5-NVFP4"}),
    (r"gpt-oss-120b", "gpt-oss-120b", {"": "openai/gpt-oss-120b"}),
    (r"gpt-oss-20b", "gpt-oss-20b", {"": "openai/gpt-oss-20b"}),
    (r"Qwen3-235B", "Qwen3-235B", {"fp8": "Qwen--Qwen3-235B-A22B-FP8"}),
    (r"Qwen3-32B", "Qwen3-32B", {"": "Qwen/Qwen3-32B"}),
    (r"Qwen3-14B", "Qwen3-14B", {"": "Qwen/Qwen3-14B"}),
    (r"Qwen3-8B", "Qwen3-8B", {"": "Qwen/Qwen3-8B"}),
    (r"Qwen2\.5-0\.5B", "Qwen2.5-0.5B", {"": "Qwen/Qwen2.5-0.5B-Instruct"}),
    (r"Qwen2\.5-7B", "Qwen2.5-7B", {"": "Qwen/Qwen2.5-7B-Instruct"}),
    (r"Llama-3(\.1)?-70B", "Llama-3-70B", {"": "meta-llama/Llama-3.3-70B-Instruct"}),
    (r"Llama-3(\.1)?-8B", "Llama-3-8B", {"": "meta-llama/Llama-3.1-8B-Instruct"}),
    (r"Mistral-7B", "Mistral-7B", {"": "mistralai/Mistral-7B-Instruct-v0.3"}),
)
"""Model by its id, its family, and by type of its weights the shape's home: a config's file, or an entry of the
catalogue or of `planning/configs.json`. Any other model of the catalogue is a family of its own."""

BITS = {"fp8": ("fp8", 8.0), "fp4": ("nvfp4", 4.5)}
"""How 16-bit models are quantised that a point says are: method and bits, scales included."""


def family_of(model: str) -> tuple[str, dict[str, str]] | None:
    """Return a model's family and where its shapes are; None where none is known."""
    named = next((found[1:] for found in FAMILIES if re.search(found[0], model) and "VL" not in model), None)
    if named is None and model in models():
        return model.partition("/")[2], {"": model}
    return named


@cache
def shape_of(home: str, dtype: str, configs: Path) -> ModelShape | None:
    """Return the shape of a model whose weights are of a type; None where none is known."""
    if not home:
        return None
    if home in models():
        shape = models()[home].shape
    elif "/" in home:
        shape = shape_from_config(own_configs()[home]["config"])
    else:
        shape = shape_from_config(json.loads((configs / f"{home}_config.json").read_text(encoding="utf-8")))
    if shape is None or shape.quantization is not None or dtype in ("bf16", "fp16"):
        return shape
    if dtype not in BITS:
        return None
    return replace(shape, quantization=Quantization(*BITS[dtype]), weights=())


@cache
def own_configs() -> dict[str, Any]:
    """Return configs of models that neither the catalogue nor the wheel has, with their sources."""
    read: dict[str, Any] = json.loads((FOLDER / "configs.json").read_text(encoding="utf-8"))
    return read


def taken(row: dict[str, Any], configs: Path, shapes: dict[str, ModelShape]) -> Benchmark | str:
    """Return a point, or why it is not taken."""
    if row["engine"] != "vLLM":
        return f"engine {row['engine']}"
    device = benchmark_device(row["gpu"])
    if device is None or device.memory_gb_per_s is None:
        return f"device {row['gpu']} is not in the catalogue"
    found = family_of(row["model"])
    shape = shape_of(found[1].get(row["dtype"]) or found[1].get("", ""), row["dtype"], configs) if found else None
    if found is None or shape is None:
        return f"the shape of {row['model']} in {row['dtype']} is not known here"
    if not row["isl"] or not row["osl"]:
        return "lengths are not stated"
    sizes = re.search(r"dp (\d+)", row["note"] or "")
    if sizes and int(sizes[1]) > 1:
        return "several copies share the experts (attention data parallelism)"
    if row["quality"] == "C":
        return "past saturation, untuned or of uncertain hardware"
    point = Benchmark(
        id=row["id"],
        family=found[0],
        model=row["model"],
        shape=f"{found[0]} {row['dtype']}",
        gpu=row["gpu"],
        ranks=row["tp"] or 1,
        version=row["version"],
        prompt=row["isl"],
        output=row["osl"],
        requests=row["concurrency"],
        rate=row["rps"],
        load=row["load"],
        ttft_ms=row["ttft_ms"],
        itl_ms=row["itl_ms"],
        output_tokens_per_s=row["output_tokens_per_s"],
        source=row["source"],
        note=row["note"] or "",
        held_out=False,
    )
    shapes[point.shape] = shape
    machine = Machine(model_work(shape), device, point.ranks)
    if room_at_most(machine, point.lengths) <= 0:
        return "the model does not fit the devices that it names"
    least = floor(machine, point.lengths)
    if point.itl_ms and least.itl_ms and point.itl_ms < least.itl_ms:
        return f"{point.itl_ms} ms between tokens is below the floor of {least.itl_ms:.2f} ms: {least.itl_reason}"
    if point.ttft_ms and least.ttft_ms and point.ttft_ms < least.ttft_ms:
        return f"{point.ttft_ms} ms to the first token is below the floor of {least.ttft_ms:.1f} ms"
    return point


@cache
def split() -> dict[str, Any]:
    """Return which families are held out, and which are fitted on."""
    read: dict[str, Any] = json.loads((FOLDER / "split.json").read_text(encoding="utf-8"))
    return read


def is_held_out(family: str) -> bool:
    """Return whether a family is held out: as it is listed, else by its name alone."""
    if family in split()["fitted"] or family in split()["held-out"]:
        return family in split()["held-out"]
    return int(hashlib.sha256(family.encode()).hexdigest(), 16) % 3 == 0


def beyond_peak(points: list[Benchmark], machines: dict[int, Machine]) -> set[int]:
    """Return the ids of points of sweeps whose load cannot be what it says.

    A closed load of so many requests needs a share of the devices' time at their peak; where one point of a sweep (a
    model and its precision on a device, by one engine) needs more than all of it, fewer requests were in the engine
    than the sweep says, and nothing of it can be told from its other points.
    """
    sweeps: dict[tuple[object, ...], list[Benchmark]] = {}
    for point in points:
        if point.load == "closed" and point.requests and point.ttft_ms and point.itl_ms:
            sweeps.setdefault((point.shape, point.gpu, point.version, "NVIDIA" in point.note), []).append(point)

    def beyond(p: Benchmark) -> bool:
        return least_busy(machines[p.id], p.lengths, p.requests or 1.0, p.ttft_ms or 0.0, p.itl_ms or 1.0) > 1

    return {each.id for sweep in sweeps.values() if any(map(beyond, sweep)) for each in sweep}


def main() -> int:
    """Write both files, or check that they are current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("points", type=Path)
    parser.add_argument("--configs", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the files are not current")
    told = parser.parse_args()
    raw = json.loads(told.points.read_text(encoding="utf-8"))
    shapes: dict[str, ModelShape] = {}
    points: list[Benchmark] = []
    refused: list[dict[str, Any]] = []
    for row in raw["points"]:
        found = taken(row, told.configs, shapes)
        if isinstance(found, str):
            refused.append({"id": row["id"], "model": row["model"], "gpu": row["gpu"], "why": found})
        else:
            points.append(found)
    machines = {p.id: Machine(model_work(shapes[p.shape]), p.device, p.ranks) for p in points}
    beyond = beyond_peak(points, machines)
    why = "its sweep has a load that needs more than the devices' peak: fewer requests were in the engine than it says"
    refused += [{"id": p.id, "model": p.model, "gpu": p.gpu, "why": why} for p in points if p.id in beyond]
    points = [point for point in points if point.id not in beyond]
    points = [replace(point, held_out=is_held_out(point.family)) for point in points]
    held = {point.family for point in points if point.held_out}
    content = {
        "reading": raw["reading"],
        "read": raw["read"],
        "held-out": sorted(held),
        "points": [point.to_mapping() for point in points],
        "refused": refused,
        "rejected-sources": raw["rejected"],
    }
    files = {
        FOLDER / "benchmarks.json": _lines(content),
        FOLDER / "shapes.json": json.dumps({name: _shape(each) for name, each in sorted(shapes.items())}, indent=1)
        + "\n",
    }
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if told.check:
        for path in stale:
            sys.stderr.write(f"{path} is not current\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    kinds = Counter(re.sub(r"[\d.]+", "N", each["why"]) for each in refused)
    sys.stdout.write(f"{len(points)} points taken, {len(refused)} not; held out: {', '.join(sorted(held))}\n")
    for why, count in kinds.most_common():
        sys.stdout.write(f"  {count:4}  {why}\n")
    return 0


def _shape(shape: ModelShape) -> Any:
    entry = Model(
        id="planning/shape",
        family="llm",
        license="unknown",
        parameters_billion=1.0,
        shape=shape,
        sources=("scripts/catalog_benchmarks.py",),
    )
    return model_to_mapping(entry)["shape"]


def _lines(content: dict[str, Any]) -> str:
    """Return JSON with one point a line, so that a change of one is one line of a diff."""
    parts = []
    for name, value in content.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(json.dumps(each, ensure_ascii=False) for each in value)
            parts.append(f"{json.dumps(name)}: [\n{rows}\n]")
        else:
            parts.append(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
