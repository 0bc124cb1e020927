"""Patterns of other people are matched as Python matches them, and in a time that grows with the text."""

from __future__ import annotations

import random
import re

import pytest

from modelyard.checking.wildcards import wildcard
from modelyard.linear import LinearPattern, UnreadablePattern, matches_whole

PIECES = [
    "a",
    "b",
    "ab",
    ".",
    "[ab]",
    "[^a]",
    r"\d",
    "(a|b)",
    "(?:ab)*",
    "a*",
    "b+",
    "a?",
    "(a*)*",
    "(a|ab)+",
    "a{2,3}",
    "(b?){2}",
]


@pytest.mark.parametrize("seed", range(40))
def test_it_matches_as_python_does(seed: int) -> None:
    chosen = random.Random(seed)  # noqa: S311 - a test's choice
    pattern = "".join(chosen.choices(PIECES, k=chosen.randint(1, 4)))
    if chosen.random() < 0.3:
        pattern += "|" + chosen.choice(PIECES)
    matcher = LinearPattern(pattern)
    for length in range(7):
        for _ in range(8):
            text = "".join(chosen.choices("ab1", k=length))
            assert matcher.fullmatch(text) == (re.fullmatch(pattern, text) is not None), (pattern, text)
            for begun in (pattern, f"(?:{pattern})$", f"^(?:{pattern})"):
                went_on = LinearPattern(begun, goes_on=True).fullmatch(text)
                assert went_on == (re.match(begun, text) is not None), (begun, text)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(.*)(.*)(.*)(.*)(.*)x", "(a?){30}a{30}", "((a*)*)*b"])
def test_a_pattern_that_python_never_ends_with_is_no_match_at_once(pattern: str) -> None:
    assert not matches_whole(pattern, "a" * 5000)
    assert not LinearPattern(f"{pattern}$", goes_on=True).fullmatch("a" * 500 + "c")


@pytest.mark.parametrize(
    "pattern", ["(?=a)a", "(?<!b)a", r"(a)\1", "(", "a{9999}b{9999}", r"\ba", "(?i:a)", "x" * 3000 + "*"]
)
def test_what_go_does_not_know_stands_for_itself(pattern: str) -> None:
    with pytest.raises(UnreadablePattern):
        LinearPattern(pattern)
    assert matches_whole(pattern, pattern)
    assert not matches_whole(pattern, "a")


def test_names_with_bars_are_names() -> None:
    assert matches_whole("serving|serving-settings", "serving-settings")
    assert not matches_whole("serving|serving-settings", "serving-")


@pytest.mark.parametrize(
    ("pattern", "text", "short", "long"),
    [
        ("a/*/c", "a/b/c", True, True),
        ("a/*", "a/b/c", False, True),
        ("a/**", "a/b/c", True, True),
        ("*", "", True, True),
        ("a*c", "abcbc", True, True),
        ("a*c", "abcb", False, False),
        ("*" * 30 + "x", "a" * 50, False, False),
        ("*o" + "*" * 30 + "Z", "foo", False, False),
        ("a.c", "abc", False, False),
    ],
)
def test_wildcards(pattern: str, text: str, short: bool, long: bool) -> None:
    assert wildcard(pattern).matches(text) is short
    assert wildcard(pattern, slashes=True).matches(text) is long


def test_wildcards_look_at_each_letter_once() -> None:
    assert not wildcard("*a" * 200 + "b").matches("a" * 20_000)
