"""Resources of a Kustomize target and where each of their values came from."""

from modelyard.rendering.addresses import ResourceAddress, Sources, address
from modelyard.rendering.cache import RenderingCache
from modelyard.rendering.choice import plain_renderer
from modelyard.rendering.errors import input_errors
from modelyard.rendering.fragments import split_image
from modelyard.rendering.library import ChartInputs, LibraryRenderer
from modelyard.rendering.model import (
    Identity,
    Renderer,
    RenderError,
    Rendering,
    Resource,
    SchemaProblem,
    SchemaVerdict,
)
from modelyard.rendering.paths import MISSING, Path, parse, value_at, written
from modelyard.rendering.processes import ProcessRenderer

__all__ = [
    "MISSING",
    "ChartInputs",
    "Identity",
    "LibraryRenderer",
    "Path",
    "ProcessRenderer",
    "RenderError",
    "Renderer",
    "Rendering",
    "RenderingCache",
    "Resource",
    "ResourceAddress",
    "SchemaProblem",
    "SchemaVerdict",
    "Sources",
    "address",
    "input_errors",
    "parse",
    "plain_renderer",
    "split_image",
    "value_at",
    "written",
]
