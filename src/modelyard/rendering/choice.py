"""What renders where nobody asks for a verdict on schemas."""

from __future__ import annotations

from modelyard.rendering.library import LibraryRenderer
from modelyard.rendering.model import Renderer
from modelyard.rendering.processes import ProcessRenderer
from modelyard.tooling.executables import find
from modelyard.tooling.renderer import RENDERER


def plain_renderer() -> Renderer:
    """Return the renderer that is installed, which judges no schemas.

    Raises:
        UserError: Neither modelyard-render nor kustomize is there.
    """
    return ProcessRenderer() if find(RENDERER) is None else LibraryRenderer(None)
