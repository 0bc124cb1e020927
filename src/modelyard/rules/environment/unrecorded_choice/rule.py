"""Components and node pools that are there without being recorded, or recorded without being there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.repository import ANSWERS, FileAddress
from modelyard.rules import rule
from modelyard.view import Environment, component_about, mapping, recorded_answers, text


@rule("environment/unrecorded-choice", warning, since="0.2.0")
def unrecorded_choice(environment: Environment) -> Iterator[Finding | NotChecked]:
    """`modelyard update` removes what the answers do not record, and restores what was removed by hand."""
    recorded = recorded_answers(environment.repository.files, environment.folder.path)
    if not isinstance(recorded.get("components"), str):
        return
    listed = [each.strip() for each in recorded["components"].split(",") if each.strip()]
    installed = {application.name for application in environment.applications}
    yield from _components(environment, recorded, listed, installed)
    yield from _pools(environment, recorded, installed)


def _components(
    environment: Environment, recorded: Mapping[str, Any], listed: list[str], installed: set[str]
) -> Iterator[Finding]:
    at = _answer(environment, "components")
    for name in listed:
        about = component_about(environment.repository.files, name)
        if about and name not in installed and _is_met(mapping(about, "answers"), recorded):
            yield Finding(
                at=at,
                message=f"the recorded answer components lists {name}, but {environment} has no Application {name}",
                fix=f"modelyard update --env {environment.name} --set components={_joined(listed, without=name)}, "
                f"or list applications/{name}.yaml in {environment.folder.path}/kustomization.yaml",
            )
    for application in environment.applications:
        about = component_about(environment.repository.files, application.name)
        if text(about, "install") in ("default", "choice") and application.name not in listed:
            yield Finding(
                at=at,
                message=f"{environment} has the component {application.name}, which the recorded answers do not list: "
                "the next update removes it",
                fix=f"modelyard update --env {environment.name} --set components={_joined(listed, application.name)}",
            )


def _pools(environment: Environment, recorded: Mapping[str, Any], installed: set[str]) -> Iterator[Finding]:
    there = {pool.name for pool in environment.pools}
    for component in sorted(installed):
        about = component_about(environment.repository.files, component)
        for name, wanted in mapping(about, "pools").items():
            answers = mapping(wanted)
            if answers and name not in there and _is_met(answers, recorded):
                yield Finding(
                    at=_answer(environment, list(answers)[-1]),
                    message=f"the recorded answers include the node pool {name}, but {environment} does not have it",
                    fix=f"modelyard update --env {environment.name} --set {_otherwise(answers)}, or add it",
                )


def _answer(environment: Environment, name: str) -> FileAddress:
    return FileAddress(environment.repository.files, f"{environment.folder.path}/{ANSWERS}", (name,))


def _is_met(wanted: Mapping[str, Any], recorded: Mapping[str, Any]) -> bool:
    return all(recorded.get(name) == value for name, value in wanted.items())


def _otherwise(answers: Mapping[str, Any]) -> str:
    """Return the last answer that brings a pool, answered so that it does not."""
    name, value = list(answers.items())[-1]
    return f"{name}=false" if value is True else f"{name}=none"


def _joined(listed: list[str], more: str = "", *, without: str = "") -> str:
    return ",".join([each for each in listed if each != without] + ([more] if more else []))
