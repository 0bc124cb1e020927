"""One row of the table of times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from modelyard.findings import Address

Phase = Literal["rollout", "start", "answer", "end"]
"""What it lies on: from the change in Git to the first answer, from the start of the engine's container to it, one
answer, or from a pod's deletion to its end."""


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """A time that something takes, or after which somebody gives up.

    Attributes:
        phase: What it lies on.
        name: Whose it is, as a person would say.
        seconds: How long; None where there is no limit, or it is not known.
        source: Where the figure comes from: `set` where a file of the repository says it, else whose default it is, or
            `assumed`.
        at: Where it is set, or where it belongs; None for what no file can set.
        need: Whether it is a time that something takes, and not one after which somebody gives up.
        silence: Whether it counts the time without a byte only, so that a streamed answer outlives it.
    """

    phase: Phase
    name: str
    seconds: float | None
    source: str
    at: Address | None = field(default=None, compare=False)
    need: bool = False
    silence: bool = False

    @property
    def told(self) -> str:
        """Return the time in words."""
        return "no limit" if self.seconds is None else f"{self.seconds:.0f} s"
