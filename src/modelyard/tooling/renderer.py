"""The process of the Go renderer, which may start before it is known what it renders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from modelyard.tooling.executables import find
from modelyard.tooling.streaming import LineProcess

RENDERER = "modelyard-render"
_SILENCE_SECONDS = 60.0


@contextmanager
def prestart_renderer() -> Iterator[LineProcess | None]:
    """Start the renderer for the length of a block; None where it is not installed.

    What it prepares takes as long as rendering a dozen targets, and is the same whatever it is told afterwards.
    """
    found = find(RENDERER)
    if found is None:
        yield None
        return
    conversation = LineProcess([found.path], silence=_SILENCE_SECONDS)
    try:
        yield conversation
    finally:
        conversation.close()
