"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Any, Protocol


class Severity(IntEnum):
    """How bad a finding is; comparable, so that `--fail-on` is a comparison."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        """The word that is printed and that `--fail-on` accepts."""
        return self.name.lower()


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


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands in the way.

    Attributes:
        at: Address of the value to change.
        message: Observed, expected and the object, in one sentence without a final stop.
        fix: The remedy, apart from the message; empty when there is none to name.
        detail: Further lines under the message, such as a memory budget's bars.
        rule: `area/name`; set by whoever runs the rule.
        severity: Set by whoever runs the rule, unless the finding overrides it.
        environment: Environment that was checked; empty for the repository as a whole.
        application: Argo CD Application that holds the object; empty outside one.
    """

    at: Address
    message: str
    fix: str = ""
    detail: tuple[str, ...] = ()
    rule: str = ""
    severity: Severity | None = None
    environment: str = ""
    application: str = ""

    def located(self) -> Finding:
        """Return a copy whose address is looked up, so that no file is needed any more."""
        return self if isinstance(self.at, At) else replace(self, at=At(self.at.place()))

    def with_defaults(self, **fields: Any) -> Finding:
        """Return a copy in which `fields` fill what this finding leaves empty."""
        return replace(self, **{name: value for name, value in fields.items() if not getattr(self, name)})


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Something that could not be checked, and why; never counted as passed.

    Attributes:
        subject: What was not checked; printed by `str`.
        reason: Why, in a few words.
        fix: What would make it checkable.
        rule: The rule that could not decide; empty when a whole layer could not run.
        environment: Environment that was checked.
        application: Argo CD Application concerned.
        accepted: The reason given in `modelyard.yaml` when the gap is accepted there.
    """

    subject: object
    reason: str
    fix: str = ""
    rule: str = ""
    environment: str = ""
    application: str = ""
    accepted: str = ""

    def with_defaults(self, **fields: Any) -> NotChecked:
        """Return a copy in which `fields` fill what this gap leaves empty."""
        return replace(self, **{name: value for name, value in fields.items() if not getattr(self, name)})


error = Severity.ERROR
warning = Severity.WARNING
note = Severity.NOTE
