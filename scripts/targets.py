"""Run a target that continuous integration leaves out, and write down what it said and of which files.

    targets.py run test-terraform -- build/terraform/bin/python -m pytest tests/terraform
    targets.py check

docs/targets.yaml lists them. Each has its ground: the files whose change asks for another run. A test of every day
compares the ground with what the last run saw, so a change there cannot land without one.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ruamel.yaml import YAML

PROJECT = Path(__file__).parents[1]
RECORD = PROJECT / "docs" / "targets.yaml"
_SUMMARY = re.compile(r"(\d+ (?:passed|failed)[^=\n]*?) in [\d.]+")


def ground_digest(ground: Sequence[str]) -> str:
    """Return the digest of names and contents of the files below some paths, without what Git ignores.

    Args:
        ground: Files and folders, relative to the project.
    """
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *ground]
    names = subprocess.run(listing, cwd=PROJECT, capture_output=True, check=True).stdout.decode().split("\0")
    digest = hashlib.sha256()
    for name in sorted({name for name in names if name and (PROJECT / name).is_file()}):
        digest.update(f"{name}\0{hashlib.sha256((PROJECT / name).read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def stale() -> dict[str, str]:
    """Return the targets whose ground has changed since their last run, with what to do."""
    return {
        name: f"its files changed since {entry['last']['date']}: run make {name}, and commit docs/targets.yaml"
        for name, entry in _yaml().load(RECORD).items()
        if entry["last"]["digest"] != ground_digest(entry["ground"])
    }


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _run(name: str, command: Sequence[str]) -> int:
    yaml = _yaml()
    record = yaml.load(RECORD)
    if name not in record:
        print(f"docs/targets.yaml has no target {name}; there are {', '.join(record)}", file=sys.stderr)
        return 2
    digest, begun, said = ground_digest(record[name]["ground"]), time.monotonic(), ""
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            found = _SUMMARY.search(line)
            said = found[1] if found else said
    if process.returncode:
        print(f"{name} failed, and docs/targets.yaml keeps the run before", file=sys.stderr)
        return process.returncode
    asked = ["git", "rev-parse", "--short=10", "HEAD"]
    head = subprocess.run(asked, cwd=PROJECT, capture_output=True, text=True, check=True)
    record[name]["last"] = {
        "result": said or "passed",
        "date": datetime.now(UTC).date().isoformat(),
        "revision": head.stdout.strip(),
        "minutes": round((time.monotonic() - begun) / 60),
        "digest": digest,
    }
    with RECORD.open("w") as file:
        yaml.dump(record, file)
    return 0


def main() -> int:
    """Run a target, or tell which ones a change asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    runs = verbs.add_parser("run", help="run a command as a target, and write down its result")
    runs.add_argument("name")
    runs.add_argument("command", nargs="+")
    verbs.add_parser("check", help="exit 1 when files of a target changed since its last run")
    options = parser.parse_args()
    if options.verb == "run":
        return _run(options.name, options.command)
    found = stale()
    for name, told in found.items():
        print(f"{name}: {told}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
