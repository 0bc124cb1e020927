"""Write the transcripts of README.md from real runs.

Usage: python scripts/readme.py [--check]

With --check nothing is written; it exits with 1 when what the commands print today differs from what README.md shows,
seconds and commit names aside.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
README = PROJECT / "README.md"
BLOCK = re.compile(r"<!-- transcript:(\w+) -->\n.*?<!-- /transcript -->", re.DOTALL)
VARYING = re.compile(
    r"\d+\.\d+ s|\d+ of \d+ applications from cache|\b[0-9a-f]{7,40}\b|v?\d+\.\d+\.\d+-\d+-g[0-9a-f]+"
    r"|\d+ files with \d+ lines"
)


def main() -> int:
    """Write or compare; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    arguments = parser.parse_args()
    shown = README.read_text()
    wanted = BLOCK.sub(lambda match: _block(match[1]), shown)
    if not arguments.check:
        README.write_text(wanted)
        return 0
    if VARYING.sub("…", wanted) != VARYING.sub("…", shown):
        print("README.md shows other output than today's: run `python scripts/readme.py`", file=sys.stderr)
        return 1
    return 0


def _block(name: str) -> str:
    text = {"demo": _demo, "finding": _finding}[name]()
    return f"<!-- transcript:{name} -->\n```text\n{text.strip()}\n```\n<!-- /transcript -->"


def _demo() -> str:
    return f"$ make demo\n{_run([sys.executable, 'scripts/demo.py', 'build/demo'], PROJECT)}"


def _finding() -> str:
    """Break the demo's first model and show what the check says of it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "my-platform"
        modelyard = str(Path(sys.executable).with_name("modelyard"))
        answers = [str(PROJECT), "--ref", "HEAD", "--answers", "scripts/demo.yaml", "--defaults"]
        _run([modelyard, "new", str(root), "--template", *answers], PROJECT)
        settings = root / "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml"
        settings.write_text(re.sub(r"tensor-parallel-size: \d+", "tensor-parallel-size: 3", settings.read_text()))
        return f"$ modelyard check\n{_run([modelyard, 'check'], root)}"


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}")
    return done.stdout.replace(f"{PROJECT}/", "").replace(str(PROJECT), ".")


if __name__ == "__main__":
    sys.exit(main())
