"""Measure sizing, placement and cost after rendering, as a ratio to the batch renderer's time for the same deployments.

Deployments are those of the menu on one engine, in turn, so that pod shapes differ as they do in a repository; fifty an
environment, and once all in one. Every measurement is a process of its own, so that nothing is known from the one
before; both sides are measured in turn, and medians count. Prints one row per size. Exit code 1 when a target is
missed.

    python scripts/bench_sizing.py [--rounds N] [deployments ...]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import repositories

import bench_render
import make_fleet
from modelyard.checking.environments import environments
from modelyard.costing import environment_cost
from modelyard.placement import cluster, placements
from modelyard.repository import Repository
from modelyard.sizing import fits
from modelyard.tooling import require
from modelyard.view import Environment

RATIO_TARGET = 0.6
LINEAR_WITHIN = 0.25
SEQUENCES, SETTINGS = 64, 50
"""Fewest requests at a time, and how many different numbers of them there are."""
OVERLAY = "overlays/qwen3-1-7b-vllm-gpu"


@dataclass(frozen=True)
class Measured:
    """One row: medians in seconds, and how often instance types were filtered for how many pod templates.

    Growth is judged by processor time, which other work on the machine does not lengthen.
    """

    deployments: int
    environments: int
    rendering: float
    sizing: float
    placement: float
    cost: float
    judged: int
    templates: int
    processor: float

    @property
    def ratio(self) -> float:
        """All three over rendering."""
        return (self.sizing + self.placement + self.cost) / self.rendering

    @property
    def each_ms(self) -> float:
        """Processor time of one deployment, in milliseconds."""
        return self.processor / self.deployments * 1000

    def __str__(self) -> str:
        return (
            f"{self.deployments:>11} {self.environments:>12} {self.rendering:>8.2f} s {self.sizing:>7.2f} s "
            f"{self.placement:>8.2f} s {self.cost:>6.2f} s {self.ratio:>6.2f}  {self.judged} of {self.templates}"
        )


def main(words: list[str]) -> int:
    """Measure each size and print a row; return 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each, of which the median counts")
    parser.add_argument("--measure", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("sizes", type=int, nargs="*", default=[200, 1000])
    chosen = parser.parse_args(words)
    if chosen.measure:
        print(json.dumps(_own_work(Path(chosen.measure))))
        return 0
    for name in ("kustomize", "modelyard-render"):
        require(name)  # a missing tool is told before minutes were spent
    print(
        f"{'deployments':>11} {'environments':>12} {'rendering':>10} {'sizing':>9} {'placement':>10} {'cost':>8} "
        f"{'ratio':>6}  types filtered"
    )
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as folder:
        base = repositories.make("one-model", Path(folder) / "base", gpu_limit=10_000)
        rows = [
            _row(base, Path(folder), size, chosen.rounds, make_fleet.MODELS_PER_ENVIRONMENT) for size in chosen.sizes
        ]
        rows.append(_row(base, Path(folder), chosen.sizes[-1], 1, chosen.sizes[-1]))
    missed = [
        f"{row.deployments} deployments take {row.ratio:.2f} of rendering" for row in rows if row.ratio > RATIO_TARGET
    ]
    first, last = rows[0], rows[-2]
    growth = last.each_ms / first.each_ms - 1
    print(f"processor time of a deployment: {first.each_ms:.1f} ms, then {last.each_ms:.1f} ms ({growth:+.0%})")
    if growth > LINEAR_WITHIN:
        missed.append(f"the time of a deployment grows by {growth:.0%}, more than {LINEAR_WITHIN:.0%}")
    for each in missed:
        print(f"missed: {each}", file=sys.stderr)
    return int(bool(missed))


def _row(base: Path, scratch: Path, size: int, rounds: int, per_environment: int) -> Measured:
    root = scratch / f"models-{size}-{per_environment}"
    make_fleet.grown(base, root, size, per_environment)
    count = _vary(root)
    targets = [f"{folder.relative_to(root)}" for folder in sorted((root / "environments").glob("*/models/*"))]
    rendering, own = [], []
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-cache-") as cache:
        variables = {**os.environ, "MODELYARD_CACHE_DIR": cache}
        command = [sys.executable, __file__, "--measure", str(root)]
        for _ in range(rounds):
            rendering.append(_seconds(lambda: bench_render.library(root, targets)))
            done = subprocess.run(command, env=variables, capture_output=True, check=False, text=True)
            if done.returncode:
                raise SystemExit(f"measuring {root} failed:\n{done.stderr}")
            own.append(json.loads(done.stdout))
    row = Measured(
        deployments=size,
        environments=count,
        rendering=statistics.median(rendering),
        sizing=statistics.median(each["sizing"] for each in own),
        placement=statistics.median(each["placement"] for each in own),
        cost=statistics.median(each["cost"] for each in own),
        judged=round(own[0]["judged"]),
        templates=round(own[0]["templates"]),
        processor=statistics.median(each["processor"] for each in own),
    )
    print(row, flush=True)
    return row


def _vary(root: Path) -> int:
    """Let the models be those of the menu in turn, with settings of their own; return the number of environments."""
    menu = [path.name for path in sorted((root / "overlays").glob("*-vllm-gpu")) if _one_engine(path)]
    folders = sorted((root / "environments").glob("*/models/*/kustomization.yaml"))
    for number, path in enumerate(folders):
        text = path.read_text()
        text = text.replace("--max-num-seqs=64", f"--max-num-seqs={SEQUENCES + number % SETTINGS}")
        path.write_text(text.replace(OVERLAY, f"overlays/{menu[number % len(menu)]}"))
    return len({path.parents[2] for path in folders})


def _one_engine(overlay: Path) -> bool:
    return "bases/serving/vllm\n" in (overlay / "kustomization.yaml").read_text()


def _own_work(root: Path) -> dict[str, float]:
    """Return seconds of sizing, placement and cost of every environment, rendered before."""
    # Sizing asks placement where pods land, and cost both, so each is asked after what it stands on.
    works: dict[str, Callable[[Environment], object]] = {
        "placement": placements,
        "sizing": fits,
        "cost": environment_cost,
    }
    found: dict[str, float] = {**dict.fromkeys(works, 0.0), "judged": 0, "templates": 0, "processor": 0.0}
    for view in environments(Repository(root)).views:
        began = time.process_time()
        for name, work in works.items():
            started = time.perf_counter()
            work(view)
            found[name] += time.perf_counter() - started
        found["processor"] += time.process_time() - began
        found["judged"] += len(cluster(view).judged)
        found["templates"] += sum(len(workload.templates) for workload in view.workloads)
    return found


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
