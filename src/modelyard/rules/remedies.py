"""Commands that bring what an environment lacks."""

from __future__ import annotations

from modelyard.view import Environment, how_to_bring, how_to_bring_pool


def bring_component(environment: Environment, name: str) -> str:
    """Return how the environment gets a component of the platform."""
    if not environment.is_generated:
        return f"install {name}"
    folder, files = environment.folder, environment.repository.files
    known = how_to_bring(files, folder.name, folder.path, _components(environment), [name])
    return known or f"add the platform component {name}"


def bring_pool(environment: Environment, name: str) -> str:
    """Return the command with which the environment gets a node pool; empty where nothing is known to bring it."""
    if not environment.is_generated:
        return ""
    folder, files = environment.folder, environment.repository.files
    return how_to_bring_pool(files, folder.name, folder.path, _components(environment), name)


def _components(environment: Environment) -> list[str]:
    return [application.name for application in environment.applications]
