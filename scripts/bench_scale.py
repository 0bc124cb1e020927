"""Measure how a check grows with a fleet, beside the processes that people run today, and draw it.

    python scripts/bench_scale.py [--write] [deployments ...]

For each size, in processor seconds of a process and all its children (user and system), which other work on the machine
disturbs less than time on a clock: the renderer alone over the same targets; a cold check; a check after one model
changed; `kustomize build` for each target and one kubeconform over the output. Peak memory is that of the largest
process of a cold check. `--write` puts the table and the curves into docs/scale.md and docs/scale.svg.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import bench_check
from generated import between
from make_fleet import MODELS_PER_ENVIRONMENT, grown
from modelyard.schemas import SchemaBundle

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import repositories

PROJECT = Path(__file__).parents[1]
PAGE, PLOT = PROJECT / "docs" / "scale.md", PROJECT / "docs" / "scale.svg"
BEGIN, END = "<!-- curves -->", "<!-- /curves -->"
PR_SET_CHILD_SUBREAPER = 36  # prctl(2); this measurement is for Linux
RENDER = """
import sys
from pathlib import Path
from modelyard.checking.options import CheckOptions
from modelyard.checking.tools import CheckContext
from modelyard.repository import Repository
repository = Repository(Path(sys.argv[1]))
context = CheckContext(repository, CheckOptions(use_cache=False, backend="library"))
stage = context.stage("")
with stage.ready(repository):
    found = stage.run(repository, sys.argv[2:])
assert not any(each.errors for each in found.values())
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What one size costs, in processor seconds, and on a clock for the cold check.

    Attributes:
        size: Deployments.
        targets: Folders that are rendered.
        renderer: The renderer alone.
        cold: A check with an empty cache.
        clock: That check on a clock.
        warm: A check after one model changed.
        bare: kustomize and kubeconform as processes; None where they were not run.
        memory: Peak of the largest process of a cold check, in MiB.
    """

    size: int
    targets: int
    renderer: float
    cold: float
    clock: float
    warm: float
    bare: float | None
    memory: float


def main(words: list[str]) -> int:
    """Measure each size, print its row, and write the page where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--bare-up-to", type=int, default=400, help="largest size for which the processes are run")
    parser.add_argument("sizes", type=int, nargs="*", default=[40, 400, 1000, 4000])
    asked = parser.parse_args(words)
    rows = []
    with tempfile.TemporaryDirectory(prefix="modelyard-scale-") as folder:
        base = repositories.make("one-model", Path(folder) / "base", gpu_limit=10_000)
        SchemaBundle("1.35").materialised_whole()
        bench_check.check(base, str(Path(folder) / "cache"), "library")  # compiles the modules
        for size in asked.sizes:
            root = grown(base, Path(folder) / f"models-{size}", size)
            rows.append(_measured(root, size, bare=size <= asked.bare_up_to))
            print(_line(rows[-1]), flush=True)
    print(_growth(rows))
    if asked.write:
        _write(rows)
    return 0


def _measured(root: Path, size: int, *, bare: bool) -> Row:
    targets = bench_check.targets_of(root)
    renderer, _ = _cost(lambda: _render(root, targets))
    with tempfile.TemporaryDirectory() as cache:
        before = time.monotonic()
        cold, memory = _cost(lambda: bench_check.check(root, cache, "library"))
        clock = time.monotonic() - before
        bench_check.change_one(root, 0)
        warm, _ = _cost(lambda: bench_check.check(root, cache, "library"))
    processes = _cost(lambda: bench_check.bare_work(root, targets))[0] if bare else None
    return Row(size, len(targets), renderer, cold, clock, warm, processes, memory)


def _render(root: Path, targets: Sequence[str]) -> None:
    environment = bench_check.environment(os.devnull)
    subprocess.run([sys.executable, "-c", RENDER, str(root), *targets], env=environment, check=True)


def _cost(work: Callable[[], None]) -> tuple[float, float]:
    """Return the processor seconds of what `work` runs, and the MiB of its largest process; measured in a child.

    The child adopts what its descendants leave behind: a worker that is ended with its supervisor counts too.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            work()
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-1, 0)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            os.write(writing, f"{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    told = os.read(reading, 100).decode().split()
    os.close(reading)
    if len(told) != 2:
        raise SystemExit("a command that was measured failed; what it wrote stands above")
    return float(told[0]), float(told[1])


def _line(row: Row) -> str:
    bare = "" if row.bare is None else f"{row.bare:.0f} ({row.cold / row.bare:.2f})"
    return (
        f"| {row.size:,} | {row.targets:,} | {row.renderer:.1f} | {row.cold:.1f} ({row.cold / row.renderer:.2f}) "
        f"| {row.clock:.1f} | {row.warm:.1f} ({row.warm / row.cold:.2f}) | {bare} | {row.memory:.0f} |"
    )


def _growth(rows: Sequence[Row]) -> str:
    if len(rows) < 2:
        return ""
    first, last = rows[-2], rows[-1]
    exponent = math.log(last.cold / first.cold) / math.log(last.size / first.size)
    sizes = f"From {first.size:,} to {last.size:,} deployments"
    return f"{sizes}, a cold check grows with the size to the power {exponent:.2f}."


def _write(rows: Sequence[Row]) -> None:
    table = "\n".join(
        (
            "| deployments | targets | renderer alone, s | cold check, s (÷ renderer) | on a clock, s "
            "| one model changed, s (÷ cold) | processes, s (cold ÷) | memory, MiB |",
            "|---|---|---|---|---|---|---|---|",
            *map(_line, rows),
        )
    )
    load = os.getloadavg()[1]
    machine = f"{os.cpu_count()} processors at load {load:.0f}, {MODELS_PER_ENVIRONMENT} models an environment"
    when = f"{datetime.now(UTC):%Y-%m-%d}, {machine}"
    curves = f"{when}; processor seconds.\n\n{table}\n\n{_growth(rows)}"
    PAGE.write_text(between(PAGE.read_text(), BEGIN, END, curves))
    PLOT.write_text(plot(rows))


def plot(rows: Sequence[Row]) -> str:
    """Return the curves as SVG, both axes logarithmic."""
    curves = (
        ("processes", "#b35900", [(row.size, row.bare) for row in rows if row.bare is not None]),
        ("cold check", "#1f5fa8", [(row.size, row.cold) for row in rows]),
        ("renderer alone", "#777777", [(row.size, row.renderer) for row in rows]),
        ("one model changed", "#2b8a3e", [(row.size, row.warm) for row in rows]),
    )
    values = [value for _, _, points in curves for _, value in points]
    left, right = math.log10(min(row.size for row in rows)), math.log10(max(row.size for row in rows)) + 1e-9
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def at(size: float, value: float) -> tuple[float, float]:
        return (
            60 + 460 * (math.log10(size) - left) / (right - left),
            280 - 250 * (math.log10(value) - low) / (high - low),
        )

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 330" font-family="sans-serif" font-size="12">',
        "<title>Processor seconds of a check against the number of deployments</title>",
        '<rect width="680" height="330" fill="white"/>',
    ]
    for power in range(low, high + 1):
        _, y = at(rows[0].size, 10.0**power)
        parts.append(f'<line x1="60" x2="520" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="54" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>')
    for row in rows:
        x, _ = at(row.size, 10.0**low)
        parts.append(f'<text x="{x:.1f}" y="298" text-anchor="middle">{row.size:,}</text>')
    parts.append('<text x="290" y="320" text-anchor="middle">deployments</text>')
    for name, colour, points in curves:
        placed = [at(size, value) for size, value in points]
        if not placed:
            continue
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
        x, y = placed[-1]
        parts.append(f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
