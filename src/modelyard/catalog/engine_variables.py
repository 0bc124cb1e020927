"""What the environment variables of an engine take: whole numbers, numbers, or choices."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from modelyard.catalog.loading import read_json

_NOTHING: Mapping[str, str | tuple[str, ...]] = {}


@cache
def engine_variables(name: str, version: str) -> Mapping[str, str | tuple[str, ...]]:
    """Return `int`, `float` or the choices of each variable that the engine holds against them.

    Args:
        name: The engine; that of vLLM alone is recorded.
        version: Its version. Nothing is known of one that was not read, and of a variable that is not in the answer.
    """
    if name != "vllm":
        return _NOTHING
    versions = read_json("engines", "vllm-variables.json")["versions"]
    return {
        variable: taken if isinstance(taken, str) else tuple(taken)
        for variable, taken in versions.get(version, {}).items()
    }
