"""Decisions that have run out."""

from collections.abc import Iterator

from modelyard.findings import Finding, error
from modelyard.repository import Decision
from modelyard.rules import rule


@rule("modelyard/expired-waiver", error, since="0.1.0")
def expired_waiver(decision: Decision) -> Iterator[Finding]:
    """An expired waiver no longer applies; the team has to fix the problem or renew the waiver."""
    if decision.expired:
        yield Finding(
            at=decision.at("expires"),
            message=f"{decision.what} expired on {decision.expires}",
            fix="fix the problem and remove the entry, or set a later expiry date",
        )
