"""Differences without what makes none."""

from __future__ import annotations

import difflib
from typing import Any

import pytest

from modelyard.diffing import ABSENT
from modelyard.diffing.values import differences, equal


def told(before: Any, after: Any) -> dict[str, tuple[Any, Any]]:
    return {each.path: (each.before, each.after) for each in differences(before, after)}


def test_items_are_matched_by_name_and_not_by_position() -> None:
    before = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    after = {"env": [{"name": "B", "value": "3"}, {"name": "A", "value": "1"}, {"name": "C", "value": "4"}]}
    assert told(before, after) == {
        "env[B].value": ("2", "3"),
        "env[C]": (ABSENT, {"name": "C", "value": "4"}),
    }


def test_another_order_of_the_same_items_is_told_as_such() -> None:
    before = {"env": [{"name": "A"}, {"name": "B"}]}
    assert list(told(before, {"env": before["env"][::-1]})) == ["env"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": 1}}),
        ({"requests": {"memory": "1024Mi"}}, {"requests": {"memory": "1Gi"}}),
        ({"sizeLimit": "1024Mi"}, {"sizeLimit": "1Gi"}),
        ({"a": None}, {}),
        ({"tolerations": [{"key": "a"}, {"key": "b"}]}, {"tolerations": [{"key": "b"}, {"key": "a"}]}),
        ({"accessModes": ["x", "y"]}, {"accessModes": ["y", "x"]}),
    ],
)
def test_what_makes_no_difference_is_none(before: Any, after: Any) -> None:
    # Tolerations that have keys are matched by them as named items are, so their order is told apart from this.
    assert told(before, after) in ({}, {"tolerations": ("order", "another order of the same items")})


def test_tolerations_without_keys_are_a_set() -> None:
    before = {"tolerations": [{"operator": "Exists", "effect": "NoExecute"}, {"operator": "Exists"}]}
    after = {"tolerations": [{"operator": "Exists"}, {"operator": "Exists", "effect": "NoSchedule"}]}
    found = [(each.before, each.after) for each in differences(before, after)]
    assert found == [
        ({"operator": "Exists", "effect": "NoExecute"}, ABSENT),
        (ABSENT, {"operator": "Exists", "effect": "NoSchedule"}),
    ]


def test_a_command_line_is_compared_flag_by_flag() -> None:
    before = {"args": ["serve", "--a=1", "--b", "2", "--c"]}
    after = {"args": ["serve", "--b", "3", "--a", "1", "--d"]}
    assert told(before, after) == {
        "args[--b]": ("2", "3"),
        "args[--c]": ("set", ABSENT),
        "args[--d]": (ABSENT, "set"),
    }


def test_lines_that_look_like_a_header_of_a_diff_are_kept() -> None:
    (change,) = differences({"data": "-- a\nb\n"}, {"data": "b\n++ c\n"})
    assert change.lines == ("- -- a", "+ ++ c")


def test_ten_thousand_lines_are_told_in_few_without_matching_them_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    before = "\n".join(f"line {number}" for number in range(10_000))
    after = "\n".join(f"line {number * 7 % 10_007}" for number in range(10_000))
    with monkeypatch.context() as without:
        # Matching so many lines in order takes quadratic time.
        without.delattr(difflib, "unified_diff")
        (change,) = differences({"data": before}, {"data": after})
    assert 0 < len(change.lines) <= 61
    one = before.replace("line 5000\n", "line five thousand\n")
    (change,) = differences({"data": before}, {"data": one})
    assert change.lines == ("- line 5000", "+ line five thousand")


@pytest.mark.parametrize(("before", "after", "same"), [([1, 2], [2, 1], False), ({"a": 1}, {"a": 1, "b": None}, True)])
def test_the_api_server_tells_order_apart_and_null_from_absent_not(before: Any, after: Any, same: bool) -> None:
    assert equal(before, after) is same
