"""Covering arrays: few rows in which every pair of values that can stand together does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

Row = dict[str, str]
Pair = tuple[tuple[str, str], tuple[str, str]]


def pairs_of(factors: Mapping[str, Sequence[str]]) -> Iterator[Pair]:
    """Yield every pair of values of two factors."""
    for first, second in combinations(factors, 2):
        for one in factors[first]:
            for other in factors[second]:
                yield (first, one), (second, other)


def covering_rows(
    factors: Mapping[str, Sequence[str]], legal: Callable[[Mapping[str, str]], bool]
) -> tuple[list[Row], set[Pair]]:
    """Return rows that hold every pair which any legal row can hold, and the pairs that none can.

    Greedy: each row starts with a pair that is still missing and takes, factor by factor, the value that brings most
    missing pairs. The result is the same in every run.

    Args:
        factors: Values of each factor; the first is what a factor is where nothing asks for another.
        legal: Whether what is chosen so far can be part of a row; it sees some of the factors.
    """
    missing = dict.fromkeys(pairs_of(factors))
    rows: list[Row] = []
    impossible: set[Pair] = set()
    while missing:
        start = next(iter(missing))
        row = _completed(dict(start), factors, legal, missing)
        if row is None:
            impossible.add(start)
            del missing[start]
            continue
        rows.append(row)
        for pair in combinations(((name, row[name]) for name in factors), 2):
            missing.pop(pair, None)
    return rows, impossible


def _completed(
    chosen: Row,
    factors: Mapping[str, Sequence[str]],
    legal: Callable[[Mapping[str, str]], bool],
    missing: Mapping[Pair, None],
) -> Row | None:
    if not legal(chosen):
        return None
    name = next((each for each in factors if each not in chosen), None)
    if name is None:
        return chosen
    order = list(factors)

    def gain(value: str) -> int:
        found = 0
        for other, taken in chosen.items():
            ends = sorted(((name, value), (other, taken)), key=lambda end: order.index(end[0]))
            found += (ends[0], ends[1]) in missing
        return found

    for value in sorted(factors[name], key=gain, reverse=True):
        if (row := _completed({**chosen, name: value}, factors, legal, missing)) is not None:
            return row
    return None
