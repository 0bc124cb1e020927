"""Print the wheel in a folder that fits this machine best, as pip would choose it.

    pip install "$(python scripts/native_wheel.py dist)"

Needs `packaging` and nothing else. Exits 1 where only the wheel without programs fits.
"""

from __future__ import annotations

import sys
from pathlib import Path

from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename


def native_wheel(folder: Path) -> Path | None:
    """Return the wheel of a platform that fits; None where there is none."""
    order = {tag: number for number, tag in enumerate(sys_tags())}
    fitting: list[tuple[int, Path]] = []
    for wheel in sorted(folder.glob("*.whl")):
        ranks = [order[tag] for tag in parse_wheel_filename(wheel.name)[3] if tag in order and tag.platform != "any"]
        fitting += [(min(ranks), wheel)] if ranks else []
    return min(fitting)[1] if fitting else None


if __name__ == "__main__":
    found = native_wheel(Path(sys.argv[1]))
    if found is None:
        sys.exit(f"no wheel in {sys.argv[1]} carries the programs of this platform")
    print(found)
