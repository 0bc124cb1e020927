"""Serving engines: how each is recognised, what it is told, and what it tells.

A module here that defines a `ServingEngine` is an engine; no list names it. `engine_in` asks each whether it runs in a
workload. Whoever holds a model asks its `engine`, and nobody asks which engine it is.
"""

from modelyard.view.engines.protocol import NO_SERVERS, VERSION_LABEL, ServingEngine, version_in
from modelyard.view.engines.registry import (
    engine_in,
    engines,
    exporters_in,
    metric_prefixes,
    offline_engine_in,
    title_of,
)

__all__ = [
    "NO_SERVERS",
    "VERSION_LABEL",
    "ServingEngine",
    "engine_in",
    "engines",
    "exporters_in",
    "metric_prefixes",
    "offline_engine_in",
    "title_of",
    "version_in",
]
