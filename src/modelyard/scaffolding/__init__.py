"""Generating GitOps repositories from the template, and keeping them current."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelyard.scaffolding.new import Scaffolded, new_environment, new_repository
    from modelyard.scaffolding.updating import Updated, update

__all__ = ["Scaffolded", "Updated", "new_environment", "new_repository", "update"]

_HOMES = {
    "Scaffolded": "new",
    "new_environment": "new",
    "new_repository": "new",
    "Updated": "updating",
    "update": "updating",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
