"""What hatchling adds to a wheel that `scripts/wheels.py` builds: a platform's programs and the template.

Without `MODELYARD_WHEEL_CONTENT`, as in `pip install git+…`, nothing is added, and the wheel is the pure one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CONTENT, TAG = "MODELYARD_WHEEL_CONTENT", "MODELYARD_WHEEL_TAG"


class WheelContent(BuildHookInterface):  # type: ignore[type-arg]
    """Puts a folder of files, laid out as in the package, into the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files, and the platform that they are for."""
        content = os.environ.get(CONTENT)
        if content is None or version == "editable":
            return
        base = Path(content)
        for path in sorted(each for each in base.rglob("*") if each.is_file()):
            build_data["force_include"][str(path)] = f"modelyard/{path.relative_to(base).as_posix()}"
        if tag := os.environ.get(TAG):
            build_data["pure_python"] = False
            build_data["tag"] = tag
