"""Expressions of Terraform that no configuration holds are unknown, and end nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelyard.view.terraform.syntax import parsed
from modelyard.view.terraform.tokens import Unknown


@pytest.mark.parametrize(
    "source", ["9" * 5000, "9" * 400 + ".5", "a." + "9" * 5000, "{ a = 1,", "(" * 5000, "!" * 5000]
)
def test_it_is_unknown(source: str) -> None:
    with pytest.raises(Unknown):
        parsed(source)


class Empty:
    """A scope that knows no name."""

    def lookup(self, root: str, steps: tuple[Any, ...], bound: Mapping[str, Any], /) -> Any:
        raise Unknown


def test_thousands_of_operands_are_unknown() -> None:
    assert parsed("1 + 1")(Empty(), {}) == 2
    with pytest.raises(Unknown):
        parsed("+".join(["1"] * 5000))(Empty(), {})
