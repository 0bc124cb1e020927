"""What became of every field of a source: carried, set here, or lost with a reason; none is forgotten.

A ledger holds the leaves of what was parsed. Readers walk it by nodes and say of a node what becomes of it; the words
of the nearest node above a leaf count. A leaf that nobody spoke of is lost, because nobody knew it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from modelyard.findings import is_secret, source_without_secrets

Path = tuple[str | int, ...]


class Outcome(StrEnum):
    """What became of a field.

    Attributes:
        CARRIED: It means the same here as it did there.
        SET: This repository has a value of its own in its place.
        LOST: Nothing here does what it did.
    """

    CARRIED = "carried"
    SET = "set"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of something, and why: for SET, what stands in its place."""

    outcome: Outcome
    why: str = ""


NOT_KNOWN = Verdict(Outcome.LOST, "not known to import")
_EMPTY = Verdict(Outcome.SET, "it is empty there, and says nothing")
_FORM = Verdict(Outcome.SET, "it says which kind of object it is")
SAYS_NOTHING = frozenset({_EMPTY.why, _FORM.why})
"""Why a field has nothing to carry; a list of what was carried need not name such."""


@dataclass(frozen=True, slots=True)
class FieldOutcome:
    """What became of one leaf, or of one part of it where a leaf holds several, as a script does.

    Attributes:
        path: Where it stands, such as `spec.template.spec.containers[0].image`.
        subject: What it is about: a flag with its value, or the path of the field that holds the leaf.
        outcome: What became of it.
        why: Why, or what stands in its place; empty where it was carried as it is.
    """

    path: str
    subject: str
    outcome: Outcome
    why: str


@dataclass(frozen=True, slots=True)
class _Claim:
    subject: str
    verdict: Verdict | str  # a text is a slot, decided later


class Ledger:
    """The leaves of a source, and what was said of them.

    Args:
        content: What was parsed.
    """

    def __init__(self, content: Any) -> None:
        self.content = content
        self._claims: dict[Path, dict[str, _Claim]] = {}

    @property
    def top(self) -> Node:
        """The node of everything."""
        return Node(self, (), self.content)

    def claim(self, path: Path, verdict: Verdict | str, subject: str = "") -> None:
        """Say what becomes of a field; a text names the slot of the record that decides."""
        self._claims.setdefault(path, {})[subject] = _Claim(subject, verdict)

    def fields(self, slots: Mapping[str, Verdict]) -> list[FieldOutcome]:
        """Return what became of each leaf, in the order of the source.

        Args:
            slots: What became of what readers named as slots.
        """
        return [
            FieldOutcome(written(path), subject or written(holder), verdict.outcome, verdict.why)
            for path, value in leaves(self.content)
            for holder, subject, verdict in self._of_leaf(path, value, slots)
        ]

    def _of_leaf(self, path: Path, value: Any, slots: Mapping[str, Verdict]) -> Iterator[tuple[Path, str, Verdict]]:
        if value is None or value in ("", []):
            yield path, "", _EMPTY
            return
        for end in range(len(path), -1, -1):
            claims = self._claims.get(path[:end])
            if claims:
                for each in claims.values():
                    found = each.verdict
                    yield path[:end], each.subject, slots.get(found, NOT_KNOWN) if isinstance(found, str) else found
                return
        yield path, "", NOT_KNOWN


@dataclass(frozen=True, slots=True)
class Node:
    """A place in a source; `value` is None where nothing stands there, and nothing is said of it then."""

    ledger: Ledger
    path: Path
    value: Any

    def at(self, *steps: str) -> Node:
        """Return the place below some keys."""
        found, path = self.value, self.path
        for step in steps:
            found = found.get(step) if isinstance(found, dict) else None
            path = (*path, step)
        return Node(self.ledger, path, found)

    @property
    def exists(self) -> bool:
        """Return whether something stands here that says something."""
        return self.value is not None and self.value != "" and self.value != [] and self.value != {}

    @property
    def text(self) -> str:
        """The scalar here, as text; empty where there is none."""
        if self.value is None or isinstance(self.value, dict | list):
            return ""
        return as_text(self.value)

    def entries(self) -> Iterator[tuple[str, Node]]:
        """Yield the keys of the mapping here, each with its place."""
        if isinstance(self.value, dict):
            for key, value in self.value.items():
                yield str(key), Node(self.ledger, (*self.path, key), value)

    def items(self) -> Iterator[Node]:
        """Yield the items of the list here."""
        if isinstance(self.value, list):
            for index, value in enumerate(self.value):
                yield Node(self.ledger, (*self.path, index), value)

    def is_set(self, by: str, subject: str = "") -> None:
        """Say what stands in its place here."""
        self._claim(Verdict(Outcome.SET, by), subject)

    def is_lost(self, why: str, subject: str = "") -> None:
        """Say why nothing here does what it did."""
        self._claim(Verdict(Outcome.LOST, why), subject)

    def is_form(self) -> None:
        """Say that it names the kind of the object and nothing else."""
        self._claim(_FORM, "")

    def feeds(self, slot: str, subject: str = "") -> None:
        """Say that what becomes of a slot of the record becomes of it."""
        self._claim(slot, subject)

    def _claim(self, verdict: Verdict | str, subject: str) -> None:
        if self.value is not None:
            self.ledger.claim(self.path, verdict, subject)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield each scalar and each empty mapping and list, with its path."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from leaves(below, (*path, key))
    elif isinstance(value, list) and value:
        for index, below in enumerate(value):
            yield from leaves(below, (*path, index))
    else:
        yield path, value


def written(path: Sequence[str | int]) -> str:
    """Return a path as people write it: `spec.containers[0].image`."""
    text = ""
    for step in path:
        if isinstance(step, int) or "." in str(step) or "/" in str(step):
            text += f"[{step}]"
        else:
            text += f".{step}"
    return text.removeprefix(".") or "the file"


def shown(name: str, value: str) -> str:
    """Return a flag or variable with its value; the value of a secret is not shown."""
    if not value:
        return name
    counts_tokens = name.startswith(("max-", "num-", "long-"))
    text = "(hidden)" if is_secret(name, value) and not counts_tokens else source_without_secrets(value)
    return f"{name} {text if len(text) <= 120 else text[:120] + '…'}"


def as_text(value: Any) -> str:
    """Return a value as a command line has it."""
    import json

    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return str(value)
