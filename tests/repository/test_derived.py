"""Values that are worked out of an object once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from modelyard.repository import Derivable, derived

CALLS: list[tuple[str, str]] = []


@dataclass(frozen=True)
class Holder(Derivable):
    name: str


@derived
def length(holder: Holder) -> int:
    """Count the letters."""
    CALLS.append(("length", holder.name))
    return len(holder.name)


@derived
def letter(holder: Holder, position: int) -> str:
    CALLS.append(("letter", holder.name))
    return holder.name[position]


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def test_a_function_is_called_once_for_each_object() -> None:
    first, second = Holder("abc"), Holder("abc")
    assert [length(first), length(first), length(second)] == [3, 3, 3]
    assert CALLS == [("length", "abc")] * 2


def test_each_argument_has_a_value_of_its_own() -> None:
    holder = Holder("abc")
    assert [letter(holder, 0), letter(holder, 1), letter(holder, 0)] == ["a", "b", "a"]
    assert len(CALLS) == 2


def test_the_method_and_the_mark_share_one_value() -> None:
    holder = Holder("abc")
    assert holder.derived(length) == length(holder) == 3
    assert len(CALLS) == 1


def test_what_raises_is_asked_again() -> None:
    holder = Holder("")
    for _ in range(2):
        with pytest.raises(IndexError):
            letter(holder, 0)
    assert len(CALLS) == 2


def test_a_changed_copy_begins_without_what_was_derived() -> None:
    holder = Holder("abc")
    assert (length(holder), length(replace(holder, name="ab"))) == (3, 2)


def test_a_value_can_be_said_beforehand_for_one_object_only() -> None:
    holder, other = Holder("abc"), Holder("abc")
    holder.assume(length, 7)
    assert (length(holder), length(other)) == (7, 3)
    assert CALLS == [("length", "abc")]


def test_the_mark_keeps_name_and_documentation() -> None:
    assert (length.__name__, length.__doc__) == ("length", "Count the letters.")
