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


class Refused(Exception):
    """AWS would refuse the request.

    Args:
        code: The error's name, as AWS has it.
        message: AWS's words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Scope:
    """Where everything of the mock lies.

    Attributes:
        account: AWS account.
        region: AWS region.
        endpoints_missing: Endpoint services and the zones in which they are not, as (`eks-auth`, `us-west-2d`).
    """

    account: str
    region: str
    endpoints_missing: frozenset[tuple[str, str]] = frozenset()

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"
