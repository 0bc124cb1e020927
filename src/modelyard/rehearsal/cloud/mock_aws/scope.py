"""Account and region of the mock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
GAP = "StandInException"
"""Name of the error with which the mock says that it has no answer."""
MACHINES = "/modelyard/machines"
"""Path at which the mock tells of its machines; no service of AWS."""
EVENTS_TARGET = "AWSEvents.PutEvents"


class NotFound(Exception):
    """Nothing of that name is kept; the text is the error's name."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where everything of the mock lies.

    Attributes:
        account: AWS account.
        region: AWS region.
    """

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"
