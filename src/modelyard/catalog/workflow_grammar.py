"""What GitHub takes in a workflow: keys, types, values, and what expressions may name where."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from modelyard.catalog.loading import read_json

WORKFLOW = "workflow-root-strict"
"""The definition of a whole file."""


def workflow_definition(name: str) -> Mapping[str, Any] | None:
    """Return a definition of GitHub's grammar of workflows; None for one of the basic types, such as `string`.

    It has one of `mapping` (`properties`, `loose-key-type`, `loose-value-type`), `sequence` (`item-type`), `one-of`,
    `allowed-values`, `string`, `number`, `boolean` and `null`, and `context`: what expressions below it may name.
    """
    found: Mapping[str, Any] | None = _raw()["definitions"].get(name)
    return found


def workflow_contexts() -> frozenset[str]:
    """Return the names that expressions of workflows begin with anywhere, such as `github`."""
    return frozenset(_raw()["contexts"])


def context_properties(context: str) -> frozenset[str]:
    """Return what a context has in every repository; empty for one whose properties follow from the workflow."""
    return frozenset(_raw()["properties"].get(context, ()))


@cache
def _raw() -> Any:
    return read_json("github", "workflows.json")
