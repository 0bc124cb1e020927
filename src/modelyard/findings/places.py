"""Places in a repository, and what leads to them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Precision(StrEnum):
    """How precisely a place is known; a finding says so when it is not exact."""

    EXACT = "exact"
    FILE = "file"
    KUSTOMIZATION = "kustomization"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a repository.

    Attributes:
        file: Path relative to the repository's root, with forward slashes.
        line: Line, counted from 1; None when only the file is known.
        column: Column, counted from 1 in characters; None with `line`.
        end_column: Column after the last character of the value on that line.
        precision: What the place stands for.
        text: The source line, for the excerpt under a message.
    """

    file: str
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    precision: Precision = Precision.FILE
    text: str | None = None

    def __str__(self) -> str:
        parts = [self.file, *(str(n) for n in (self.line, self.column) if n is not None)]
        return ":".join(parts)


class Address(Protocol):
    """A symbolic place, cheap to make; reading the file waits until a finding is made."""

    def place(self) -> Place:
        """Return where in the repository the addressed value is set, or belongs when it is absent."""
        ...


@dataclass(frozen=True, slots=True)
class At:
    """An address that is known already, such as a YAML parser's mark."""

    known: Place

    def place(self) -> Place:
        """Return the known place."""
        return self.known
