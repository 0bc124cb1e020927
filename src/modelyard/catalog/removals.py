"""Flags and environment variables that engines do not have any more, and what is written in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from modelyard.catalog.engines import version_order
from modelyard.catalog.loading import DATA, read_yaml


@dataclass(frozen=True, slots=True)
class Removal:
    """A flag or an environment variable that went.

    Attributes:
        name: The flag in kebab case without dashes in front, or the variable.
        since: The first version without it.
        until: The first version that has it again; empty when none does.
        instead: What is written in its place: a flag, a key of a JSON flag as `flag.key`, or a variable; empty when
            there is nothing to write, or nobody showed what.
        value: What that is set to, or one of several in a tuple; None where the old value goes with it.
        note: What else belongs to it.
        why: Why there is nothing to write; empty when there is, or nobody showed why.
        source: What shows `instead` or `why`; empty when the entry has neither.
        inferred: Whether the source leaves what is written instead to be concluded.
    """

    name: str
    since: str
    until: str = ""
    instead: str = ""
    value: Any = None
    note: str = ""
    why: str = ""
    source: str = ""
    inferred: bool = False

    @property
    def variable(self) -> bool:
        """Return whether what is written instead is an environment variable."""
        return self.instead.isupper()


def removals(engine: str) -> Mapping[str, Removal]:
    """Return all that an engine had once, by name; empty for one that the data do not have."""
    return next((found for engines, found in _read() if engine in engines), MappingProxyType({}))


def removal(engine: str, version: str, name: str) -> Removal | None:
    """Return how a flag or variable went that a version of an engine does not have.

    The form of a flag that switches off (`no-…`) is understood. None for one that never was, is still or again there,
    or came later.
    """
    known = removals(engine)
    found = known.get(name) or known.get(name.removeprefix("no-"))
    if found is None or version_order(version) < version_order(found.since):
        return None
    return None if found.until and version_order(version) >= version_order(found.until) else found


@cache
def _read() -> tuple[tuple[frozenset[str], Mapping[str, Removal]], ...]:
    read = []
    for path in sorted((DATA / "engines").glob("*-removals.yaml")):
        raw = read_yaml(path)
        entries = raw["flags"] | raw["environment"]
        found = {name: _removal(name, entry) for name, entry in entries.items()}
        read.append((frozenset(raw["engines"]), MappingProxyType(found)))
    return tuple(read)


def _removal(name: str, entry: Mapping[str, Any]) -> Removal:
    value = entry.get("value")
    texts = {key: str(entry.get(key, "")) for key in ("until", "instead", "note", "why", "source")}
    return Removal(
        name,
        entry["since"],
        value=tuple(value) if isinstance(value, list) else value,
        inferred=entry.get("sure") == "inferred",
        **texts,
    )
