"""Rehearse an environment with something missing, once for each thing that can be, and write down what that showed.

Used by `make rehearsal-absences`. Results of things that are not named this time stay as they are in docs/absences.md;
those that were never rehearsed are listed as such.

Usage: python scripts/rehearse_absences.py REPOSITORY [NAME...]
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from modelyard.rehearsal import ABSENCES
from modelyard.tooling import find
from rehearsal import MODELYARD, NEEDED

PAGE = Path(__file__).resolve().parents[1] / "docs" / "absences.md"
SECONDS = "240"
NEVER = "not rehearsed yet"
INTRODUCTION = """\
# What may be missing in a rehearsal

`modelyard rehearse --level sync --without NAME` lets something be missing, waits until all that need not wait for it is
there, says what waits and why, then brings it and expects all to become healthy without a commit. The list is data,
`src/modelyard/rehearsal/absences.py`; a test holds that every stand-in has one that says no. Written by `make
rehearsal-absences`, of the demo's environment; waves wait eight seconds there in place of five minutes.

| name | what is missing | where its words were read | shown |
|---|---|---|---|
"""


def main(repository: Path, only: list[str]) -> int:
    """Rehearse, print and write the page; return 1 where a rehearsal found something, 2 without the programs."""
    if missing := [name for level in ("schema", "sync") for name in NEEDED[level] if find(name) is None]:
        print(f"{', '.join(missing)} is not there; `make rehearsal-tools` builds it", file=sys.stderr)
        return 2
    if unknown := set(only) - set(ABSENCES):
        print(f"nothing is called {', '.join(sorted(unknown))}: choose of {', '.join(ABSENCES)}", file=sys.stderr)
        return 2
    shown = told_before()
    code = 0
    for name in only or ABSENCES:
        words = [
            "rehearse",
            str(repository),
            "--level",
            "sync",
            "--without",
            name,
            "--timeout",
            SECONDS,
            "--json",
            "-q",
        ]
        done = subprocess.run([MODELYARD, *words], check=False, stdout=subprocess.PIPE, text=True)
        shown[name] = told(json.loads(done.stdout)) if done.stdout else f"ended with {done.returncode}"
        code = max(code, min(done.returncode, 1))
        print(f"{name}: {shown[name]}", flush=True)
        PAGE.write_text(page(shown))
    return code


def told(result: dict[str, Any]) -> str:
    """Return what one rehearsal showed, in a sentence for a cell of the table."""
    missed = result["without"]
    waited = "; ".join(f"`{each['name']}` ({(each['reasons'] or ['no reason'])[0]})" for each in missed["waiting"])
    held = ", ".join(missed["held_back"])
    parts = [
        f"{time.strftime('%Y-%m-%d', time.gmtime())}: {missed['arrived']} of {len(result['applications'])} were well",
        f"waited: {waited}" if waited else "nothing waited",
        *([f"**held back without need: {held}**"] if held else []),
        "all well without a commit afterwards" if missed["mended"] else "**not well afterwards**",
    ]
    return "; ".join(parts).replace("|", "\\|").replace("\n", " ")


def told_before() -> dict[str, str]:
    """Return what the page says of each."""
    lines = PAGE.read_text().splitlines() if PAGE.exists() else []
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    return {each[0].strip("`"): " | ".join(each[3:]) for each in cells}


def page(shown: dict[str, str]) -> str:
    """Return the page."""
    return INTRODUCTION + "".join(
        f"| `{each.name}` | {each.words} | {each.source} | {shown.get(each.name, NEVER)} |\n"
        for each in ABSENCES.values()
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
