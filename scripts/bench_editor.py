"""Print how long the language server takes from a change in a buffer to its findings, beside a cold check.

Wall time holds for a quiet machine only; processor time of the server and of what it starts is printed beside it.

    python scripts/bench_editor.py [--per-environment 50] [models]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import repositories
from tests.editor.client import MODELYARD, Client, editor

from make_fleet import grown

_ROUNDS = 7
_TICKS = os.sysconf("SC_CLK_TCK")


def main(words: list[str]) -> int:
    """Measure one size and print a row of each figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--per-environment", type=int, default=50)
    parser.add_argument("models", type=int, nargs="?", default=100)
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as folder:
        base = repositories.make("one-model", Path(folder) / "base", gpu_limit=10_000)
        root = grown(base, Path(folder) / "fleet", asked.models, asked.per_environment)
        subprocess.run([MODELYARD, "check", base, "-q"], capture_output=True, check=False)  # compiles the modules
        before, began = os.times(), time.monotonic()
        subprocess.run([MODELYARD, "check", root, "--no-cache", "-q"], capture_output=True, check=False)
        cold, after = time.monotonic() - began, os.times()
        cold_cpu = after.children_user + after.children_system - before.children_user - before.children_system
        with editor(root) as client:
            wall, cpu = _measured(client)
        print(f"{asked.models} models, {asked.per_environment} in an environment; load {os.getloadavg()[0]:.1f}")
        print(f"cold check       {cold:6.2f} s   processor {cold_cpu:6.2f} s")
        print(f"after a change   {wall:6.2f} s   processor {cpu:6.2f} s   (medians of {_ROUNDS})")
        print(f"ratio            {wall / cold:6.2f}                 {cpu / cold_cpu:6.2f}")
    return 0


def _measured(client: Client) -> tuple[float, float]:
    """Return wall and processor time from a change of one model to the finding that it makes or takes away."""
    path = "environments/env0/models/chat-0/kustomization.yaml"
    text = client.open(path)
    client.told(lambda each: bool(each.log))
    wall, cpu = [], []
    for number in range(_ROUNDS):
        wrong = number % 2 == 0
        broken = text.replace("--max-num-seqs", "--max-num-sequences") if wrong else text
        time.sleep(3)  # until what runs when nobody types has run
        began, used = time.monotonic(), _used(client.pid)
        client.type(path, broken)
        client.told(lambda each, wrong=wrong: bool(each.codes(path)) is wrong)  # type: ignore[misc]
        wall.append(time.monotonic() - began)
        cpu.append(_used(client.pid) - used)
    return statistics.median(wall), statistics.median(cpu)


def _used(pid: int) -> float:
    """Return the processor time of a process and of those that it waited for, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[number]) for number in (11, 12, 13, 14)) / _TICKS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
