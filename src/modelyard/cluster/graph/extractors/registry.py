"""Which function reads which kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelyard.cluster.graph.edges import Definition, Reference
from modelyard.cluster.graph.extractors.context import Context
from modelyard.cluster.things import Thing

Extractor = Callable[[Thing, Context], Iterator[Definition | Reference]]

registered: dict[tuple[str, str], list[Extractor]] = {}
"""Extractors by API group and kind."""


def of(*kinds: tuple[str, str]) -> Callable[[Extractor], Extractor]:
    """Mark a function as the extractor of some kinds, each with its API group."""

    def mark(function: Extractor) -> Extractor:
        for kind in kinds:
            registered.setdefault(kind, []).append(function)
        return function

    return mark
