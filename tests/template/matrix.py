"""Answers of environments in which every pair of answers that may stand together does.

`combinations()` gives them; `write(template, folder)` writes one repository with an environment for each.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from modelyard.catalog import Component, component_from_mapping
from modelyard.scaffolding import new_environment, new_repository
from modelyard.scaffolding.git import author, commit_everything
from tests.template.conftest import PROJECT, REPOSITORY_URL
from tests.template.pairwise import Row, covering_rows

ON, OFF = "true", "false"
COMPONENT = "component "  # before the name of a component that is on or off

# What is tried of questions that take text or numbers; the first value is the default.
TRIED = {
    "region": ("us-west-2", "eu-central-1"),
    "gpu_limit": ("16", "64"),
    "gpu_multinode_limit": ("16", "64"),
    "gpu_shared_limit": ("8", "32"),
    "neuron_limit": ("16", "64"),
    "cpu_limit": ("64", "512"),
    "image_snapshot_id": ("", "snap-0123456789abcdef0"),
    "notifications_channel": ("", "platform-alerts"),
    "alerts_channel": ("", "model-alerts"),
    "public_endpoint_cidrs": ("", "203.0.113.0/24,198.51.100.7/32"),
    "starter_models": ("", "qwen3-1-7b", "llama-3-2-1b-instruct,deepseek-r1-distill-llama-8b"),
}
# Answers that name things, and nothing depends on what; tests/template/answers tries them.
NAMES = {"repository_url", "environment_name", "account_id", "cluster_name", "revision", "zones"}
# Asked where the gateway faces the internet, and never else.
OF_A_PUBLIC_GATEWAY = {"gateway_certificate_arn", "gateway_cidrs"}


@functools.cache
def questions() -> dict[str, dict[str, Any]]:
    """The questions that an environment is asked, by name."""
    asked = yaml.safe_load((PROJECT / "copier.yml").read_text())
    return {
        name: question
        for name, question in asked.items()
        if not name.startswith("_")
        and name != "scope"
        and "repository'" not in str(question.get("when", ""))
        and question.get("when") is not False
    }


@functools.cache
def components() -> dict[str, Component]:
    """Every platform component, by name."""
    return {
        file.parent.name: component_from_mapping(file.parent.name, yaml.safe_load(file.read_text()))
        for file in sorted((PROJECT / "bases/platform").glob("*/component.yaml"))
    }


@functools.cache
def factors() -> dict[str, tuple[str, ...]]:
    """What is varied: each question with few values, and each component that is not always there."""
    found: dict[str, tuple[str, ...]] = {}
    for name, question in questions().items():
        choices = question.get("choices")
        if name in OF_A_PUBLIC_GATEWAY:
            continue
        if name in TRIED:
            found[name] = TRIED[name]
        elif question["type"] == "bool":
            found[name] = (ON, OFF)
        elif choices:
            found[name] = tuple(choices.values() if isinstance(choices, dict) else choices)
    optional = [each.name for each in components().values() if each.install != "always"]
    return found | {COMPONENT + name: (OFF, ON) for name in optional}


def legal(chosen: Mapping[str, str]) -> bool:
    """Return whether answers can stand together; those that are not there yet may be anything.

    What answers imply is worked out before it is compared, so that the search for a row turns back early.
    """
    on = _implied(chosen)
    answers = {name: value for name, value in chosen.items() if not name.startswith(COMPONENT)}
    for name in on:
        component = components()[name]
        if chosen.get(COMPONENT + name) == OFF or any(other in on for other in component.excludes):
            return False
        for question, value in component.answers.items():
            if answers.setdefault(question, _text(value)) != _text(value):
                return False

    def are(**wanted: str) -> bool:
        return all(answers.get(name) == value for name, value in wanted.items())

    def off_where_not_asked(asked_when: bool, *names: str) -> bool:
        return asked_when or all(answers.get(name, _unasked(name)) == _unasked(name) for name in names)

    def is_off(component: str) -> bool:
        return chosen.get(COMPONENT + component) == OFF

    return (
        off_where_not_asked(not are(gpu_pool=OFF), "gpu_multinode_pool", "gpu_sharing", "gpu_limit", "starter_models")
        and off_where_not_asked(not are(gpu_multinode_pool=OFF), "gpu_multinode_limit")
        and off_where_not_asked(not are(gpu_sharing="none"), "gpu_shared_limit")
        and off_where_not_asked(not are(neuron_pool=OFF), "neuron_limit", "image_snapshot_id")
        and off_where_not_asked(not are(gpu_pool=OFF, neuron_pool=OFF), "spot_capacity", "device_ami")
        and off_where_not_asked(not are(device_ami="al2023"), "image_snapshot_id")
        and off_where_not_asked(
            not are(auto_mode=ON), "gpu_sharing", "gpu_shared_limit", "device_ami", "image_snapshot_id"
        )
        # What Amazon Linux 2023 can cut is not offered there.
        and not are(region="eu-central-1", device_ami="al2023", gpu_sharing="mig")
        and off_where_not_asked(not is_off("storage"), "shared_file_system", "lustre_file_system", "weights_mount")
        and off_where_not_asked(not is_off("argocd-notifications"), "notifications_channel")
        and off_where_not_asked(not is_off("alert-receiver"), "alerts_channel")
        # Asked with the component, and then without a default.
        and not ("argocd-notifications" in on and are(notifications_channel=""))
        and not ("alert-receiver" in on and are(alerts_channel=""))
    )


def _implied(chosen: Mapping[str, str]) -> set[str]:
    """The components that are on because they, others or answers say so."""
    waiting = [
        name.removeprefix(COMPONENT) for name, value in chosen.items() if name.startswith(COMPONENT) and value == ON
    ]
    if chosen.get("gateway_access", "cluster") != "cluster":
        waiting.append("aibrix")
        if chosen.get("auto_mode") == OFF:
            waiting.append("aws-load-balancer-controller")
    # Asked with the component alone: known at once, a row without what that needs is not searched to its end.
    if chosen.get("alerts_channel"):
        waiting.append("alert-receiver")
    on: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in on:
            on.add(name)
            waiting += components()[name].needs
    return on


def _unasked(name: str) -> str:
    """The answer to a question that is not asked."""
    return _text(questions()[name].get("default", "")) if name not in TRIED else TRIED[name][0]


def _text(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


@functools.cache
def combinations() -> tuple[dict[str, str], ...]:
    """Answers for each environment of the matrix."""
    rows, _ = covering_rows(factors(), legal)
    return tuple(_answers(row) for row in rows)


def _answers(row: Row) -> dict[str, str]:
    chosen = [name.removeprefix(COMPONENT) for name, value in row.items() if name.startswith(COMPONENT) and value == ON]
    answers = {
        name: value
        for name, value in row.items()
        if not name.startswith(COMPONENT) and (value or "UNSET" not in str(questions()[name].get("default")))
    }
    if answers.get("gateway_access") == "internet":
        certificate = "certificate/00000000-0000-0000-0000-000000000000"
        answers["gateway_certificate_arn"] = f"arn:aws:acm:{answers['region']}:111122223333:{certificate}"
        answers["gateway_cidrs"] = "203.0.113.0/24,198.51.100.7/32"
    return {**answers, "components": ",".join(chosen), "account_id": "111122223333"}


def write(template: Path, folder: Path) -> Path:
    """Write a repository with an environment, `m01` and so on, for each combination, and commit it.

    Args:
        template: A template with a commit for its newest state.
        folder: Where to write; it does not exist.
    """
    data = {"repository_url": REPOSITORY_URL, "repository_name": "matrix"}
    for number, answers in enumerate(combinations(), 1):
        name = f"m{number:02}"
        if number == 1:
            first = {**data, **answers}
            new_repository(folder, environment=name, template=str(template), ref="HEAD", data=first, interactive=False)
        else:
            new_environment(folder, environment=name, data=answers, interactive=False)
    commit_everything(folder, "Add an environment for each combination of answers", author(folder))
    return folder
