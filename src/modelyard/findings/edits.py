"""Remedies as data: changes of files after which a finding is gone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from modelyard.findings.places import Address


class Operation(StrEnum):
    """What an edit does with the value at its address."""

    SET = "set"
    """The value, or the key where it is absent, gets another value."""

    ADD = "add"
    """The list gets one more item at its end; where it is absent, it is made."""

    REMOVE = "remove"
    """The key, or the item, goes away."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one value.

    A rule gives edits only where no other change is as likely to be meant; what a person has to choose is told in the
    words of `Finding.fix` alone.

    Attributes:
        at: The value: of a file, or of a rendered resource, whose place is the text that set it last. For `set` and
            `add` it may be absent, and its place is then the parent where it belongs.
        operation: What is done with it.
        value: The new value or item, of plain YAML; None for `remove`.
    """

    at: Address
    operation: Operation
    value: Any = None


def to_set(at: Address, value: Any) -> Edit:
    """Return the edit that gives an address a value."""
    return Edit(at, Operation.SET, value)


def to_add(at: Address, item: Any) -> Edit:
    """Return the edit that adds an item to the list at an address."""
    return Edit(at, Operation.ADD, item)


def to_remove(at: Address) -> Edit:
    """Return the edit that takes away what stands at an address."""
    return Edit(at, Operation.REMOVE)
