"""The list of what reads which kind."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from modelyard.graph import extractors
from modelyard.graph.extractors.registry import Extractor


def test_every_extractor_is_listed_once() -> None:
    modules = [import_module(f"{extractors.__name__}.{module.name}") for module in iter_modules(extractors.__path__)]
    written = [value for module in modules for value in vars(module).values() if isinstance(value, Extractor)]
    assert len(written) > 20
    assert sorted(map(str, written)) == sorted(map(str, extractors.EXTRACTORS))
