"""Small pieces of the sentences that rules write."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def either(values: Iterable[object]) -> str:
    """Return `1, 2 or 4`."""
    return _joined([str(value) for value in values], "or")


def both(values: Iterable[object]) -> str:
    """Return `a, b and c`."""
    return _joined([str(value) for value in values], "and")


def _joined(words: list[str], word: str) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {word} {words[-1]}"


def plural(count: int, noun: str) -> str:
    """Return `1 rank` or `3 ranks`; the noun takes an s."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean max-model-len`, empty when nothing known is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is spelt most alike, empty when none is near."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), "")


def one_of(values: Iterable[str], limit: int = 6) -> str:
    """Return `a, b or c`, shortened to `limit` names; `none` for nothing."""
    listed = sorted(values)
    if len(listed) > limit:
        return f"{', '.join(listed[:limit])} or {len(listed) - limit} more"
    return either(listed) or "none"
