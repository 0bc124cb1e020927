"""What an environment answered the template's questions, and the command that answers otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from modelyard.repository import ANSWERS, PLATFORM, Files, mapping_in
from modelyard.view.shapes import listed, mapping


def how_to_bring(files: Files, environment: str, folder: str, present: Collection[str], names: Iterable[str]) -> str:
    """Return how an environment gets components of the platform, with all that they need themselves.

    Args:
        files: The repository's files.
        environment: The environment's name.
        folder: Its folder.
        present: The components that it has.
        names: The components; those that are none of this repository's are left out.

    Returns:
        A command, or what stands in its way; empty where nothing is missing.
    """
    missing = _closure(files, present, names)
    if not missing:
        return ""
    recorded = recorded_answers(files, folder)
    told = []
    for name, about in missing.items():
        # A question that was not asked stands in nobody's way.
        answers = mapping(about, "answers")
        wanted = _other(answers, answers | dict(recorded))
        if wanted:
            said = ", ".join(f"{question} {_written(value)}" for question, value in wanted.items())
            told.append(f"{name} is for environments with {said}")
    if told:
        return "; ".join(told)
    if not isinstance(recorded.get("components"), str):
        return f"add {', '.join(missing)} of {PLATFORM} to {folder}"
    chosen = [each for each in recorded["components"].split(",") if each]
    added = [name for name, about in missing.items() if name not in chosen and about.get("install") != "always"]
    if not added:
        stubs = ", ".join(f"applications/{name}.yaml" for name in missing)
        return f"list {stubs} in {folder}/kustomization.yaml, as the answers of {environment} have it"
    chosen += added
    return f"modelyard update --env {environment} --set components={','.join(chosen)}"


def how_to_bring_pool(files: Files, environment: str, folder: str, present: Iterable[str], pool: str) -> str:
    """Return the command with which an environment gets a node pool; empty where no component of it brings one.

    Args:
        files: The repository's files.
        environment: The environment's name.
        folder: Its folder.
        present: The components that it has.
        pool: Name of the node pool.
    """
    recorded = recorded_answers(files, folder)
    for component in present if recorded else ():
        wanted = _other(mapping(component_about(files, component), "pools", pool), recorded)
        if wanted:
            settings = "".join(f" --set {question}={_written(value)}" for question, value in wanted.items())
            return f"modelyard update --env {environment}{settings}"
    return ""


def recorded_answers(files: Files, folder: str) -> Mapping[str, Any]:
    """Return what is recorded in a folder, the template's version as `_commit`; empty where nothing readable is."""
    return mapping_in(files, f"{folder}/{ANSWERS}" if folder else ANSWERS)


def _closure(files: Files, present: Collection[str], names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Return the components that are missing, each before what needs it, with what they say of themselves."""
    found: dict[str, Mapping[str, Any]] = {}

    def add(name: str, path: tuple[str, ...]) -> None:
        if name in present or name in found or name in path:
            return
        about = component_about(files, name)
        if not about:
            return
        for need in listed(about, "needs"):
            add(str(need), (*path, name))
        found[name] = about

    for name in names:
        add(name, ())
    return found


def _other(wanted: Mapping[str, Any], recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers that are recorded otherwise, or not at all."""
    return {question: value for question, value in wanted.items() if recorded.get(question) != value}


def component_about(files: Files, component: str) -> Mapping[str, Any]:
    """Return what a component of the platform says of itself; empty where the repository has none of that name."""
    return mapping_in(files, f"{PLATFORM}/{component}/component.yaml")


def _written(answer: Any) -> str:
    return str(answer).lower() if isinstance(answer, bool) else str(answer)
