"""Secrets that a chart's hooks, Jobs and operators make, and that no manifest shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from modelyard.catalog.loading import DATA, read_yaml


@dataclass(frozen=True, slots=True)
class ChartSecret:
    """A Secret that something of a chart makes at run time.

    Attributes:
        name: The Secret's name; it is in the namespace of who makes it.
        keys: The keys that it gets.
        maker_kind: Kind of what makes it.
        maker_name: Its name, in which `*` stands for any text.
        argument: Argument of one of its containers without which it makes none; empty where none is needed.
        source: Where this was read.
    """

    name: str
    keys: frozenset[str]
    maker_kind: str
    maker_name: str
    argument: str
    source: str

    def made_by(self, kind: str, name: str) -> bool:
        """Return whether a resource of the chart is what makes it."""
        return kind == self.maker_kind and fnmatchcase(name, self.maker_name)


@cache
def chart_secrets() -> Mapping[str, tuple[ChartSecret, ...]]:
    """Return what each known chart makes, by the chart's name; a chart that is not there is not known."""
    return {
        chart: tuple(_secret(each) for each in entries)
        for chart, entries in read_yaml(DATA / "chart_secrets.yaml").items()
    }


def _secret(entry: Mapping[str, Any]) -> ChartSecret:
    kind, _, name = entry["by"].partition("/")
    keys = frozenset(entry["keys"])
    return ChartSecret(entry["secret"], keys, kind, name, entry.get("argument", ""), entry["source"])
