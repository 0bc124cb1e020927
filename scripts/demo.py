"""Write a GitOps repository with the real template, check it, and say what to do next.

Used by `make demo`. The folder is written anew each time; a folder that is not such a demo is left alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).parents[1]
MODELYARD = Path(sys.executable).with_name("modelyard")
ANSWERS = PROJECT / "scripts" / "demo.yaml"


def main(destination: Path) -> int:
    """Write and check the demo; return the exit code of the check."""
    started = time.monotonic()
    if destination.exists():
        if not (destination / ".copier-answers.yml").is_file():
            print(f"{destination} is not a demo of an earlier run; name another folder", file=sys.stderr)
            return 2
        shutil.rmtree(destination)
    destination.parent.mkdir(parents=True, exist_ok=True)
    new = [
        "new",
        str(destination),
        "--template",
        str(PROJECT),
        "--ref",
        "HEAD",
        "--answers",
        str(ANSWERS),
        "--defaults",
    ]
    if code := _modelyard(*new):
        return code
    print()
    if code := _modelyard("check", str(destination)):
        return code
    check = f"{os.path.relpath(MODELYARD, destination)} check"
    print(
        f"\n{_counts(destination)} (whole demo {time.monotonic() - started:.1f} s)\n\n"
        "Next, in that folder:\n"
        "  git log --stat                                what was written\n"
        "  edit overlays/qwen3-1-7b-vllm-gpu/vllm.yaml   break something: tensor-parallel-size: 3\n"
        f"  {check:<45} the finding names the line\n"
        "  README.md                                     from here to a cluster"
    )
    return 0


def _modelyard(*words: str) -> int:
    shown = " ".join(_shown(Path(word)) if word.startswith("/") else word for word in words)
    print(f"$ modelyard {shown}", flush=True)
    return subprocess.run([MODELYARD, *words], check=False).returncode


def _counts(destination: Path) -> str:
    files = [path for path in destination.rglob("*") if path.is_file() and ".git" not in path.parts]
    lines = sum(len(path.read_bytes().splitlines()) for path in files)
    return f"{_shown(destination)} holds {len(files)} files with {lines} lines"


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
