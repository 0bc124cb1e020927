"""Which function reads which kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modelyard.graph.edges import Definition, Reference
from modelyard.graph.extractors.context import Context
from modelyard.view.manifests import Manifest

Extraction = Callable[[Manifest, Context], Iterator[Definition | Reference]]


@dataclass(frozen=True, slots=True)
class Extractor:
    """A function that reads resources of some kinds.

    Attributes:
        kinds: The kinds, each with its API group.
        extract: Yields what a resource defines, and whom it names.
    """

    kinds: tuple[tuple[str, str], ...]
    extract: Extraction


def of(*kinds: tuple[str, str]) -> Callable[[Extraction], Extractor]:
    """Make a function the extractor of some kinds, each with its API group."""
    return lambda function: Extractor(kinds, function)
