"""Which kinds of source there are: every module of `kinds` that defines one."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from modelyard.editing.sources import kinds
from modelyard.editing.sources.protocol import Source


@cache
def sources() -> tuple[Source, ...]:
    """Return the kinds of source, in the order of their modules."""
    found = []
    for module in sorted(iter_modules(kinds.__path__), key=lambda each: each.name):
        content = import_module(f"{kinds.__name__}.{module.name}")
        found += [
            each()
            for each in vars(content).values()
            if isinstance(each, type) and issubclass(each, Source) and each.__module__ == content.__name__
        ]
    return tuple(found)
