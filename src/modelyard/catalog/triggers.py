"""Types of KEDA's triggers, and what each needs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from modelyard.catalog.loading import DATA, read_yaml


@cache
def trigger_types() -> frozenset[str]:
    """Return the known types."""
    return frozenset(read_yaml(DATA / "triggers.yaml")["types"])


@cache
def trigger_metadata() -> Mapping[str, tuple[str, ...]]:
    """Return the metadata without which KEDA refuses a trigger, by type; types that are not listed are not known."""
    return {name: tuple(keys) for name, keys in read_yaml(DATA / "triggers.yaml")["metadata"].items()}
