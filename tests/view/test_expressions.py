"""Terraform's expressions are evaluated as Terraform does, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard.view.terraform.operators import UnknownIdentity
from modelyard.view.terraform.syntax import parsed
from modelyard.view.terraform.tokens import Unknown

RECORDED = json.loads(Path(__file__).with_name("terraform-expressions.json").read_text())
"""What `terraform console` 1.11.4 said; tests/terraform/test_expressions.py asks it again."""


class Nothing:
    """A scope in which only `arn` is known, as what only AWS knows."""

    def lookup(self, root: str, steps: tuple[Any, ...], bound: Mapping[str, Any]) -> Any:
        if root in bound:
            return bound[root]
        if root == "arn":
            return UnknownIdentity("aws_iam_role.this")
        raise Unknown


def evaluated(source: str) -> Any:
    return parsed(source)(Nothing(), {})


def test_values_are_terraforms() -> None:
    wrong = {}
    for row in RECORDED:
        try:
            value = evaluated(row["expression"])
        except Unknown:
            value = Unknown
        expected = row["value"] if row["known"] else Unknown
        if (type(value), value) != (type(expected), expected):
            wrong[row["expression"]] = (value, expected)
    assert wrong == {}
    assert sum(row["known"] for row in RECORDED) > 80


@pytest.mark.parametrize("source", ["arn == arn", 'arn == "x"', "open == 1", "length(arn)", "1 +", "true || ", "-"])
def test_what_is_not_known_is_never_guessed(source: str) -> None:
    with pytest.raises(Unknown):
        evaluated(source)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("false && open == 1", False),
        ("true || open", True),
        ("arn != null", True),
        ('"${arn}/x"', "aws_iam_role.this/x"),
    ],
)
def test_what_follows_without_the_unknown_is_known(source: str, value: object) -> None:
    assert evaluated(source) == value
