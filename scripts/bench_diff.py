"""Print what `modelyard diff` of one changed model costs, as ratios within one run.

    warm/cold   a preview among 100 deployments, against a full check there with an empty cache: at most 0.1
    large/small a preview among 1,000 deployments, against the same preview among 100: at most 1.5

Warm means that an earlier preview has filled the cache; the change itself is new each time. All three are measured in
turn, and ratios are of medians, since machines are noisy.

    python scripts/bench_diff.py [rounds]
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import repositories

import bench_check
import make_fleet

SMALL, LARGE = 100, 1000
MOST_OF_COLD, MOST_OF_SMALL = 0.1, 1.5
COLD_EVERY = 2


def main(rounds: int) -> int:
    """Measure both sizes and print the ratios; return 1 when a target is missed."""
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as folder:
        base = repositories.make("one-model", Path(folder) / "base")
        roots = {size: make_fleet.grown(base, Path(folder) / f"models-{size}", size) for size in (SMALL, LARGE)}
        for root in roots.values():
            _git(root, "init", "-q")
            _git(root, "add", "-A")
            _git(root, "commit", "-q", "-m", "base")
            _git(root, "gc", "-q")
        checks = []
        times: dict[int, list[float]] = {SMALL: [], LARGE: []}
        for number in range(rounds + 1):
            if number % COLD_EVERY == 0:
                checks.append(_cold_check(roots[SMALL], f"{folder}/empty-{number}"))
            for size, root in roots.items():
                seconds = _preview(root, f"{folder}/cache-{size}", number)
                if number:  # the first fills the cache
                    times[size].append(seconds)
    cold = statistics.median(checks)
    small, large = (statistics.median(times[size]) for size in (SMALL, LARGE))
    print(f"full check of {SMALL} deployments, cold {cold:.2f} s; preview {small:.2f} s; among {LARGE} {large:.2f} s")
    missed = False
    for name, ratio, most in (("warm/cold", small / cold, MOST_OF_COLD), ("large/small", large / small, MOST_OF_SMALL)):
        missed |= ratio > most
        print(f"{name:<12} {ratio:.3f}  target ≤ {most}: {'met' if ratio <= most else 'missed'}")
    return int(missed)


def _cold_check(root: Path, cache: str) -> float:
    started = time.monotonic()
    _run("check", root, "--quiet", cache=cache, codes=(0, 1))  # many models exceed a quota, which is a finding
    return time.monotonic() - started


def _preview(root: Path, cache: str, number: int) -> float:
    """Change one model, differently each time, and return the seconds that its preview takes."""
    path = next((root / "environments").glob("*/models/chat-0/kustomization.yaml"))
    text = path.read_text()
    path.write_text(text.replace("--max-num-seqs=64", f"--max-num-seqs={number + 1}", 1))
    _git(root, "commit", "-q", "-a", "-m", "change")
    started = time.monotonic()
    out = _run("diff", "HEAD~1..HEAD", root, cache=cache, codes=(0,))
    seconds = time.monotonic() - started
    if "max-num-seqs" not in out or "1 Application in 1 environment" not in out:
        raise SystemExit(f"the preview does not show the change:\n{out}")
    path.write_text(text)
    _git(root, "commit", "-q", "-a", "-m", "change back")
    return seconds


def _run(*arguments: object, cache: str, codes: tuple[int, ...]) -> str:
    command = [str(bench_check.MODELYARD), *map(str, arguments)]
    done = subprocess.run(command, env=bench_check.environment(cache), capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _git(root: Path, *words: str) -> None:
    command = [shutil.which("git") or "git", "-c", "user.name=bench", "-c", "user.email=bench@example.com", *words]
    subprocess.run(command, cwd=root, check=True)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
