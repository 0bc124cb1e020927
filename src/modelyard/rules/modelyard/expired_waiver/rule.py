"""Decisions that have run out."""

from collections.abc import Iterator

from modelyard.findings import Finding, error
from modelyard.repository import Decision
from modelyard.rules import rule


@rule("modelyard/expired-waiver", error, since="0.1.0")
def expired_waiver(decision: Decision) -> Iterator[Finding]:
    """A decision whose last day has passed covers nothing any more; the team has to decide again."""
    if decision.expired:
        yield Finding(
            at=decision.at("expires"),
            message=f"{decision.what} expired on {decision.expires}",
            fix="mend what it covers, or decide again with a later day",
        )
