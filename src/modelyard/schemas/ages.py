"""Which definitions of the bundle are older than what clusters run."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson


def older_definitions(group: str) -> str:
    """Return the version of the definitions of an API group, and what they stand for, where they are older than that.

    Args:
        group: The API group.

    Returns:
        Words such as `v1.3.2, for chart 2.9.0`; empty where the definitions are those of the version that runs.
    """
    return _older().get(group, "")


@cache
def _older() -> dict[str, str]:
    content: dict[str, Any] = orjson.loads((files(__package__) / "bundle" / "lock.json").read_bytes())
    found: dict[str, str] = {}
    for module in content["modules"]:
        serves = str(module.get("serves") or "").partition(";")[0]
        for name in module.get("crds", ()) if serves else ():
            found[str(name).partition(".")[2]] = f"{module['version']}, for {serves}"
    return found
