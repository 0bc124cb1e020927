"""Words of sentences: counts, lists, and the known word that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def counted(number: int, noun: str) -> str:
    """Return `1 rank` or `3,000 ranks`; the noun takes an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def join_and(values: Iterable[object], *, most: int | None = None) -> str:
    """Return `a, b and c`, or `a, b and 4 more` where there are more than `most`; empty for nothing."""
    return _joined([str(value) for value in values], "and", most)


def join_or(values: Iterable[object], *, most: int | None = None) -> str:
    """Return `a, b or c`, or `a, b or 4 more` where there are more than `most`; empty for nothing."""
    return _joined([str(value) for value in values], "or", most)


def _joined(words: Sequence[str], conjunction: str, most: int | None) -> str:
    if most is not None and len(words) > most:
        return f"{', '.join(words[:most])} {conjunction} {len(words) - most:,} more"
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def near_words(word: str, known: Iterable[str], *, most: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return the known words that are spelt most alike, the nearest first.

    Args:
        word: What was written.
        known: What could have been meant.
        most: How many at most.
        cutoff: The least similarity that counts, from 0 to 1, as `difflib.SequenceMatcher.ratio` measures it.
    """
    from difflib import get_close_matches  # most commands have no use for it

    return get_close_matches(word, list(known), n=most, cutoff=cutoff)


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return the known word that is spelt most alike, empty when none is near."""
    return next(iter(near_words(word, known, cutoff=cutoff)), "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean max-model-len`, empty when nothing known is near."""
    near = nearest(word, known)
    return f"did you mean {near}" if near else ""
