"""Write requirements.lock: every package of development with its hashes, for all platforms, without addresses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
HEADER = "# Every package that development needs, with its hashes. Made by `make lock` from pyproject.toml.\n"


def locked() -> str:
    """Return what pyproject.toml resolves to today, keeping what requirements.lock has where it still fits."""
    lock = PROJECT / "requirements.lock"
    command = [
        str(Path(sys.executable).with_name("uv")),
        *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--no-header", "--no-annotate", "--no-emit-index-url", "--group", "dev"),
        *("--output-file", str(lock), "pyproject.toml"),
    ]
    subprocess.run(command, cwd=PROJECT, check=True)
    return HEADER + lock.read_text().removeprefix(HEADER)


if __name__ == "__main__":
    (PROJECT / "requirements.lock").write_text(locked())
