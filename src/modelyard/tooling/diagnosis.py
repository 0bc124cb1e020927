"""What `modelyard doctor` says about external programs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from modelyard.tooling import sources
from modelyard.tooling.executables import find, pinned_version
from modelyard.tooling.pins import Pin, pins
from modelyard.tooling.processes import parallel


class State(StrEnum):
    """How a tool stands."""

    OK = "ok"
    DIFFERS = "differs"
    MISSING = "missing"
    UNNEEDED = "not needed"
    """It is missing, and another program does its work."""


@dataclass(frozen=True, slots=True)
class ToolStatus:
    """One external program, as found on this machine.

    Attributes:
        name: Name of the program.
        state: Whether it is there, and at the pinned version.
        required: Whether commands stop without it.
        serves: What it is for: `check`, `rehearse`, `scripts`, or `development` of Modelyard alone.
        version: What it says about itself; None when it is missing or does not tell.
        wanted: Pinned version, with `or newer` where that is enough.
        path: Where it is.
        origin: Where it came from, empty when it is missing.
        purpose: What it is used for.
        without: What is not checked, or does not work, where it is missing.
        difference: How its version differs, in words.
        instead: The program that does its work where it is there; empty for none.
        fix: How to get the pinned version; empty when there is nothing to do.
    """

    name: str
    state: State
    required: bool
    serves: str
    version: str | None
    wanted: str
    path: Path | None
    origin: str
    purpose: str
    without: str
    difference: str
    instead: str
    fix: str

    @property
    def ready(self) -> bool:
        """Whether nothing has to be done before what it serves works whole."""
        return self.state in (State.OK, State.UNNEEDED)

    @property
    def stops(self) -> bool:
        """Whether commands stop because it is missing."""
        return self.required and self.state is State.MISSING


def diagnose() -> list[ToolStatus]:
    """Return the state of every pinned program, in the order of `pins.yaml`.

    A program whose sources this installation does not carry is left out.
    """
    concerned = [
        each for each in pins() if each.version != "sources" or (each.build and sources.has(each.build.folder))
    ]
    return list(parallel(_status, concerned))


def _status(wanted: Pin) -> ToolStatus:
    found = find(wanted.name)
    if found is not None:
        state = State.OK if found.pinned else State.DIFFERS
    else:
        state = State.UNNEEDED if wanted.instead and find(wanted.instead) is not None else State.MISSING
    return ToolStatus(
        name=wanted.name,
        state=state,
        required=wanted.required,
        serves=wanted.serves,
        version=found.version if found else None,
        wanted=pinned_version(wanted) + ("" if wanted.exact else " or newer"),
        path=found.path if found else None,
        origin=str(found.origin) if found else "",
        purpose=wanted.purpose,
        without=wanted.without,
        difference=found.difference if found else "",
        instead=wanted.instead,
        fix="" if state in (State.OK, State.UNNEEDED) else _fix(wanted),
    )


def _fix(wanted: Pin) -> str:
    if wanted.build is not None:
        return f"modelyard tools install {wanted.name}"
    return f"install {wanted.name} {wanted.version}{'' if wanted.exact else ' or newer'}"
