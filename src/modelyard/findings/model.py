"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from modelyard.findings.edits import Edit
from modelyard.findings.places import Address, At


class Severity(IntEnum):
    """How bad a finding is; comparable, so that `--fail-on` is a comparison."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        """The word that is printed and that `--fail-on` accepts."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands in the way.

    Attributes:
        at: Address of the value to change.
        message: Observed, expected and the object, in one sentence without a final stop.
        fix: The remedy, apart from the message; empty when there is none to name.
        edits: The remedy as data, where it is a plain change of the files and no other one is as likely to be meant;
            all of them together mend it.
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
    edits: tuple[Edit, ...] = ()

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
