"""Platform components that an environment lacks, and the command that brings them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelyard.editing.environment_folder import EnvironmentFiles
from modelyard.editing.splicing import Text
from modelyard.repository import PLATFORM


def how_to_bring(environment: EnvironmentFiles, names: Iterable[str]) -> str:
    """Return how an environment gets platform components, with all that they need themselves; empty where it has them.

    Args:
        environment: The environment.
        names: Components; names that are none of this repository's are left out.
    """
    missing = _closure(environment, names)
    if not missing:
        return ""
    recorded = environment.answers
    lines = []
    for name, about in missing.items():
        wanted = about.get("answers") or {}
        unmet = [
            f"{answer} {_written(value)}" for answer, value in wanted.items() if recorded.get(answer, value) != value
        ]
        if unmet:
            lines.append(f"{name} is for environments with {', '.join(unmet)}")
    if lines:
        return "; ".join(lines)
    if not isinstance(recorded.get("components"), str):
        return f"add {', '.join(missing)} of {PLATFORM} to {environment.folder}"
    chosen = [each for each in recorded["components"].split(",") if each]
    chosen += [each for each in missing if each not in chosen]
    return f"modelyard update --env {environment.name} --set components={','.join(chosen)}"


def _closure(environment: EnvironmentFiles, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the components that are missing, each before what needs it, with what they say of themselves."""
    found: dict[str, dict[str, Any]] = {}
    applications = environment.applications

    def add(name: str, path: tuple[str, ...]) -> None:
        about = _about(environment, name)
        if about is None or name in applications or name in found or name in path:
            return
        for need in about.get("needs") or ():
            add(str(need), (*path, name))
        found[name] = about

    for name in names:
        add(name, ())
    return found


def _about(environment: EnvironmentFiles, name: str) -> dict[str, Any] | None:
    file = f"{PLATFORM}/{name}/component.yaml"
    if not environment.changes.exists(file):
        return None
    return dict(Text(file, environment.changes.text(file)).value)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
