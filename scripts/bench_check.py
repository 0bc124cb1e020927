"""Print what `modelyard check` costs, as a ratio to the bare work of the tools that it runs.

The bare work is the same `kustomize build` processes, as many at a time, and one kubeconform over their output. Both
are measured in one run, in turn; ratios are of medians, since machines are noisy.

    python scripts/bench_check.py [--backend library|processes] [deployments ...]
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from modelyard.repository import Repository
from modelyard.schemas import SchemaBundle
from modelyard.tooling import parallel, require

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import repositories

from make_fleet import grown

MODELYARD = Path(sys.executable).with_name("modelyard")
COMPILED = Path(tempfile.gettempdir()) / "modelyard-bench-compiled"
ROUNDS = {4: 5, 40: 3, 400: 1}
TARGETS = {40: (1.5, 0.3), 400: (1.5, None)}


def main(words: list[str]) -> int:
    """Measure each size with each backend and print a row; return 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--backend", choices=("library", "processes"), action="append")
    parser.add_argument("sizes", type=int, nargs="*", default=[4, 40, 400])
    chosen = parser.parse_args(words)
    missed = False
    for backend in chosen.backend or ("library", "processes"):
        print(f"\nbackend {backend}")
        missed |= _table(chosen.sizes, backend)
    return int(missed)


def _table(sizes: list[int], backend: str) -> bool:
    print(
        f"{'deployments':>11}  {'bare s':>7}  {'cold s':>7}  {'cold/bare':>9}  {'warm s':>7}  {'warm/cold':>9}  target"
    )
    missed = False
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as folder:
        base = repositories.make("one-model", Path(folder) / "base", gpu_limit=10_000)
        SchemaBundle("1.35").materialised_whole()  # the bare work finds its schemas there
        check(base, str(Path(folder) / "cache"), backend)  # compiles the modules
        for size in sizes:
            root = grown(base, Path(folder) / f"models-{size}", size)
            missed |= _measure(root, size, backend)
    return missed


def _measure(root: Path, size: int, backend: str) -> bool:
    targets = targets_of(root)
    bare, cold, warm = [], [], []
    for round_number in range(ROUNDS.get(size, 1)):
        bare.append(_timed(lambda: bare_work(root, targets)))
        with tempfile.TemporaryDirectory() as cache:
            cold.append(_timed(lambda cache=cache: check(root, cache, backend)))  # type: ignore[misc]
            change_one(root, round_number)
            warm.append(_timed(lambda cache=cache: check(root, cache, backend)))  # type: ignore[misc]
    b, c, w = (statistics.median(each) for each in (bare, cold, warm))
    cold_target, warm_target = TARGETS.get(size, (None, None))
    verdicts = [
        f"{name} ≤ {target}: {'met' if ratio <= target else 'missed'}"
        for name, ratio, target in (("cold", c / b, cold_target), ("warm", w / c, warm_target))
        if target is not None
    ]
    row = f"{size:>11}  {b:>7.2f}  {c:>7.2f}  {c / b:>9.2f}  {w:>7.2f}  {w / c:>9.2f}"
    print(f"{row}  {', '.join(verdicts) or 'printed only'}", flush=True)
    return any(verdict.endswith("missed") for verdict in verdicts)


def targets_of(root: Path) -> list[str]:
    """Return every target that a check renders."""
    repository = Repository(root)
    found = []
    for environment in repository.environments.values():
        found += [environment.path, f"{environment.path}/bootstrap"]
        for part in ("platform", "models"):
            found += [
                f"{environment.path}/{part}/{name}" for name in repository.files.under(f"{environment.path}/{part}")
            ]
    return found


def bare_work(root: Path, targets: list[str]) -> None:
    """Run kustomize for each target and one kubeconform over what they print, as a pipeline of a CI does."""
    kustomize, kubeconform = (str(require(name).path) for name in ("kustomize", "kubeconform"))
    schemas = SchemaBundle("1.35").materialised_whole()
    with tempfile.TemporaryDirectory() as output:

        def build(numbered: tuple[int, str]) -> None:
            number, target = numbered
            command = [kustomize, "build", target, "-o", f"{output}/{number}.yaml"]
            subprocess.run(command, cwd=root, check=True, capture_output=True)

        list(parallel(build, enumerate(targets)))
        location = f"{schemas}/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"
        command = [kubeconform, "-strict", "-summary", "-n", str(os.cpu_count()), "-schema-location", location, output]
        subprocess.run(command, capture_output=True, check=False)


def check(root: Path, cache: str, backend: str) -> None:
    """Run a check that keeps its renderings in a folder; anything but a clean one ends the measurement."""
    command = [str(MODELYARD), "check", str(root), "--quiet", "--no-policies", "--backend", backend]
    done = subprocess.run(command, env=environment(cache), capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"the check of {root} failed:\n{done.stdout.decode()}{done.stderr.decode()}")


def environment(cache: str) -> dict[str, str]:
    """Return the variables of a command that keeps its renderings in a folder; modules are compiled, as installed."""
    variables = {**os.environ, "MODELYARD_CACHE_DIR": cache, "PYTHONPYCACHEPREFIX": str(COMPILED)}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


def change_one(root: Path, number: int) -> None:
    """Change one model, differently each time, so that nothing about it is in the cache."""
    path = next((root / "environments").glob("*/models/chat-0/kustomization.yaml"))
    path.write_text(re.sub(r"--max-num-seqs=\d+", f"--max-num-seqs={number + 65}", path.read_text(), count=1))


def _timed(work: Callable[[], None]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
