"""Decisions about nothing."""

from collections.abc import Iterator

from modelyard.findings import Finding, to_remove, warning
from modelyard.repository import Decision
from modelyard.rules import rule


@rule("modelyard/unused-waiver", warning, since="0.1.0")
def unused_waiver(decision: Decision) -> Iterator[Finding]:
    """A waiver that matches nothing would hide the next mistake of its kind at its path."""
    if decision.used is False and not decision.expired:
        yield Finding(
            at=decision.at(),
            message=f"{decision.what} matches nothing",
            fix="remove it",
            edits=(to_remove(decision.at()),),
        )
