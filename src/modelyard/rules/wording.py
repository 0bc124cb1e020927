"""Small pieces of the sentences that rules write."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.wording import counted as plural
from modelyard.wording import did_you_mean, near_words, nearest
from modelyard.wording import join_and as both
from modelyard.wording import join_or as either

__all__ = ["both", "did_you_mean", "either", "near_words", "nearest", "one_of", "plural"]


def one_of(values: Iterable[str], limit: int = 6) -> str:
    """Return `a, b or c`, shortened to `limit` names; `none` for nothing."""
    return either(sorted(values), most=limit) or "none"
