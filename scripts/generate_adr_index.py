"""Write docs/adr/README.md, the index of the architecture decision records, from their titles and status.

Usage: python scripts/generate_adr_index.py [--check]

With --check nothing is written; it exits with 1 when the index is not what it would write.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from generated import keep

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "adr"
INDEX = FOLDER / "README.md"
_TITLE = re.compile(r"# (\d+)\. (.+)")


def index() -> str:
    """Return the text of the index.

    Raises:
        ValueError: A record has no title of the form `# 12. Use X for Y`, or its number is not its file's.
    """
    lines = [
        "# Architecture decision records",
        "",
        "One decision a file: its context, what was decided, and what is good and bad about it. A record that another",
        "one replaces says so in its status. Numbers come in blocks, one for each strand of work, so some are free.",
        "Written by `scripts/generate_adr_index.py`.",
        "",
    ]
    for path in sorted(FOLDER.glob("[0-9]*.md")):
        title = _TITLE.fullmatch(path.read_text().partition("\n")[0])
        if title is None or int(title[1]) != int(path.name[:4]):
            raise ValueError(f"{path.name}: the first line should be `# {int(path.name[:4])}. Use X for Y`")
        lines.append(f"- [{title[1]}. {title[2]}]({path.name})")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the index, or say that it is not current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the index is not current")
    return keep(INDEX, index(), check=parser.parse_args().check, remedy="python scripts/generate_adr_index.py")


if __name__ == "__main__":
    sys.exit(main())
