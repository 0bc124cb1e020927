"""Which function reads which kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelyard.view.graph.edges import Definition, Reference
from modelyard.view.graph.extractors.context import Context
from modelyard.view.manifests import Manifest

Extractor = Callable[[Manifest, Context], Iterator[Definition | Reference]]

registered: dict[tuple[str, str], list[Extractor]] = {}
"""Extractors by API group and kind."""


def of(*kinds: tuple[str, str]) -> Callable[[Extractor], Extractor]:
    """Mark a function as the extractor of some kinds, each with its API group."""

    def mark(function: Extractor) -> Extractor:
        for kind in kinds:
            registered.setdefault(kind, []).append(function)
        return function

    return mark
