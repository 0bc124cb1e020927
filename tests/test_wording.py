"""Words of sentences."""

from __future__ import annotations

import pytest

from modelyard.wording import counted, did_you_mean, join_and, join_or, near_words, nearest


@pytest.mark.parametrize(
    ("values", "most", "expected"),
    [
        ([], None, ""),
        (["a"], None, "a"),
        (["a", "b"], None, "a and b"),
        (["a", "b", "c"], 3, "a, b and c"),
        (["a", "b", "c"], 2, "a, b and 1 more"),
        ([1, 2], 1, "1 and 1 more"),
    ],
)
def test_lists_are_joined(values: list[object], most: int | None, expected: str) -> None:
    assert join_and(values, most=most) == expected
    assert join_or(values, most=most) == expected.replace(" and ", " or ")


def test_nouns_are_counted() -> None:
    assert [counted(0, "pod"), counted(1, "pod"), counted(1234, "pod")] == ["0 pods", "1 pod", "1,234 pods"]


def test_near_words() -> None:
    known = ["max-model-len", "max-num-seqs", "seed"]
    assert nearest("max-model-length", known) == "max-model-len"
    assert near_words("max-nu-seqs", [*known, "max-seqs"], most=2) == ["max-num-seqs", "max-seqs"]
    assert nearest("dtype", known) == did_you_mean("dtype", known) == ""
    assert did_you_mean("sed", known) == "did you mean seed"
