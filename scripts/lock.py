"""Write the lock files: every package with its hashes, for all platforms, without addresses.

`requirements.lock` is what development needs; `requirements-terraform.lock` adds the mock AWS of the Terraform tests,
`requirements-browser.lock` Playwright with axe-core; `requirements-checkov.lock` is checkov by itself,
`requirements-release.lock` what describes a release, and `requirements-docs.lock` what builds and checks the
documentation.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
HEADER = "# Packages with their hashes, made by `make lock` from pyproject.toml: {what}.\n"
LOCKS = {
    "requirements.lock": (("dev",), ("editor",), "what development needs"),
    "requirements-terraform.lock": (("dev", "terraform"), (), "that, and a mock AWS"),
    "requirements-browser.lock": (("dev", "browser"), (), "what development needs, and Playwright"),
    "requirements-checkov.lock": (("checkov",), (), "checkov, without this project"),
    "requirements-release.lock": (("release",), (), "what describes a release, without this project"),
    "requirements-docs.lock": (("docs",), (), "what builds and checks the documentation, without this project"),
}


def lock(name: str) -> None:
    """Resolve pyproject.toml into a lock file, keeping what the file has where it still fits."""
    groups, extras, what = LOCKS[name]
    path = PROJECT / name
    command = [
        str(Path(sys.executable).with_name("uv")),
        *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--no-header", "--no-annotate", "--no-emit-index-url"),
        *(word for group in groups for word in ("--group", group)),
        *(word for extra in extras for word in ("--extra", extra)),
        *("--output-file", str(path)),
        *(("pyproject.toml",) if "dev" in groups else ()),
    ]
    subprocess.run(command, cwd=PROJECT, check=True)
    locked = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith("#")]
    path.write_text(HEADER.format(what=what) + "".join(locked))


if __name__ == "__main__":
    for each in LOCKS:
        lock(each)
