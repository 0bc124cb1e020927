"""Run the examples of docs/planning.md in the demo, and write what they print into the page.

    scripts/plan_examples.py [--write] DEMO

DEMO is what `make demo` wrote. Each example is a section whose console blocks are run in order in a copy of its own,
with two made-up load tests, `low.json` and `high.json`, beside it. Without `--write` a page that is not current is
named, and the exit code is 1. Days are those of the run, so blocks show none.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "planning.md"
BIN = Path(sys.executable).parent
MODEL = "environments/dev/models/deepseek-r1-distill-llama-8b"
SECTION = re.compile(
    r"^(### (?:A model on|Two load tests|What a pull request|What to change next).*?)(?=^##)", re.M | re.S
)
BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.M | re.S)


def load_test(rate: float, requests: int, ttft: float, itl: float) -> dict[str, Any]:
    """Return a result of `vllm bench serve --save-result` with lengths of 1500 and 300 tokens."""
    return {
        "model_id": "deepseek-r1-distill-llama-8b",
        "num_prompts": requests,
        "request_rate": rate,
        "max_concurrency": None,
        "completed": requests,
        "total_input_tokens": 1500 * requests,
        "total_output_tokens": 300 * requests,
        "request_throughput": rate * 0.98,
        "mean_ttft_ms": ttft * 1.08,
        "median_ttft_ms": ttft,
        "p99_ttft_ms": ttft * 2.1,
        "mean_tpot_ms": itl * 1.02,
        "median_tpot_ms": itl,
        "p99_tpot_ms": itl * 1.2,
    }


TESTS = {"low.json": load_test(0.12, 60, 880.0, 62.0), "high.json": load_test(0.5, 300, 1900.0, 78.0)}
SEEN = [
    {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": {"__name__": name}, "value": [0, value]}]},
    }
    for name, value in (
        ("vllm:num_requests_running", "12"),
        ("vllm:num_requests_waiting", "31"),
        ("vllm:kv_cache_usage_perc", "0.97"),
    )
]


def prepared(demo: Path, folder: Path, section: str) -> Path:
    """Return a copy of the demo with what a section starts from."""
    root = folder / str(len(list(folder.iterdir())))
    shutil.copytree(demo, root, symlinks=True)
    for name, content in {**TESTS, "answers.json": SEEN}.items():
        (root / name).write_text(json.dumps(content), encoding="utf-8")
    itl = "45ms" if section.startswith("### What a pull request") else ""
    if itl or section.startswith("### What to change next"):
        told = f"itl: {itl}\n" if itl else "ttft: 2s\nitl: 100ms\n"
        rate = 2 if itl else 3
        (root / MODEL / "objectives.yaml").write_text(
            f"{told}rate: {rate}\nprompt: 1500\noutput: 300\n", encoding="utf-8"
        )
    git = [shutil.which("git") or "git", "-c", "user.name=example", "-c", "user.email=example@example.com"]
    for words in (["add", MODEL], ["commit", "--quiet", "--allow-empty", "--message=Objectives"], ["tag", "base"]):
        subprocess.run([*git, *words], cwd=root, check=True)
    return root


def outputs(block: str, root: Path) -> Iterator[str]:
    """Yield the lines of a block anew: each command and what it prints."""
    for line in block.splitlines():
        if not line.startswith("$ "):
            continue
        yield line
        run = subprocess.run(
            [shutil.which("bash") or "bash", "-c", line[2:]],
            cwd=root,
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "200", "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        yield from (each.rstrip() for each in run.stdout.splitlines())


def current(page: str, demo: Path) -> str:
    """Return the page with the outputs of today."""
    with tempfile.TemporaryDirectory() as folder:

        def section(found: re.Match[str]) -> str:
            root = prepared(demo, Path(folder), found[1])
            return BLOCK.sub(lambda block: "\n".join(outputs(block[1], root)) + "\n", found[1])

        return SECTION.sub(section, page)


def main() -> int:
    """Write the page, or say that it is not current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path)
    parser.add_argument("--write", action="store_true")
    told = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    made = current(page, told.demo.resolve())
    if told.write:
        PAGE.write_text(made, encoding="utf-8")
    elif made != page:
        sys.stderr.write(f"{PAGE} is not current: {Path(sys.argv[0]).name} --write {told.demo}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
