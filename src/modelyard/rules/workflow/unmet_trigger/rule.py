"""Workflows that wait for what never happens, and steps that look for what is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, Workflow, listed, mapping, text, workflows

_UPLOAD, _DOWNLOAD = "actions/upload-artifact@", "actions/download-artifact@"
_EXPRESSION = re.compile(r"\$\{\{[^{}]*\}\}")
_SCRIPT = re.compile(r"(?:^|[\s;&|(])(?:\./)?(scripts/[\w./-]{1,200}\.(?:sh|py))(?=$|[\s;&|)\"'])", re.MULTILINE)
_DEFAULT_BRANCHES = ("main", "master")


@rule("workflow/unmet-trigger", error, since="0.3.0")
def unmet_trigger(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A workflow that waits for a name, branch or path that does not exist never runs, without an error."""
    every = list(workflows(environment))
    for workflow in every:
        on = workflow.content.get("on")
        on = on if isinstance(on, dict) else {}
        yield from _of_names(workflow, every, on)
        for event in ("push", "pull_request", "pull_request_target"):
            given = on.get(event)
            if isinstance(given, dict):
                yield from _of_branches(environment, workflow, event, given)
                yield from _of_paths(environment, workflow, event, given)
        yield from _of_artifacts(workflow, every, on)
        yield from _of_scripts(environment, workflow)


def _of_names(workflow: Workflow, every: list[Workflow], on: dict[str, Any]) -> Iterator[Finding]:
    names = {text(each.content, "name") or each.file for each in every}
    for index, name in enumerate(listed(on, "workflow_run", "workflows")):
        if name not in names and not set("*?") & set(str(name)):
            near = nearest(str(name), names)
            yield Finding(
                at=workflow.at("on", "workflow_run", "workflows", index),
                message=f"{workflow.file} runs after the workflow {name}, and none has this name",
                fix=f"write {near or one_of(names)}",
            )


def _of_branches(environment: Environment, workflow: Workflow, event: str, given: dict[str, Any]) -> Iterator[Finding]:
    """Yield the other usual name of the branch that the environment follows."""
    followed = str(environment.facts.get("revision") or "")
    written = [str(each) for each in listed(given, "branches")]
    if followed not in _DEFAULT_BRANCHES or followed in written or any(set("*!?[") & set(each) for each in written):
        return
    for index, branch in enumerate(written):
        if branch in _DEFAULT_BRANCHES:
            yield Finding(
                at=workflow.at("on", event, "branches", index),
                message=f"{workflow.file} runs for the branch {branch}, and Argo CD follows {followed}",
                fix=f"write {followed}",
            )


def _of_paths(environment: Environment, workflow: Workflow, event: str, given: dict[str, Any]) -> Iterator[Finding]:
    files = environment.repository.files
    for index, pattern in enumerate(listed(given, "paths")):
        steps = str(pattern).split("/")
        first = steps[0]
        if not first or set("*?![+") & set(first) or len(steps) < 2:
            continue
        if not files.is_folder(first):
            known = {name for name in files.under("") if files.is_folder(name)}
            near = nearest(first, known, cutoff=0.8)
            if not near:
                continue  # made later, perhaps
            yield Finding(
                at=workflow.at("on", event, "paths", index),
                message=f"{workflow.file} runs for changes in {pattern}, and there is no folder {first}",
                fix=f"write {'/'.join([near, *steps[1:]])}",
            )


def _of_artifacts(workflow: Workflow, every: list[Workflow], on: dict[str, Any]) -> Iterator[Finding]:
    """Yield artifacts that a step downloads and no step uploads."""
    sources = [str(each) for each in listed(on, "workflow_run", "workflows")]
    for path, step in workflow.steps():
        given = mapping(step, "with")
        wanted = str(given.get("name") or "")
        if not text(step, "uses").startswith(_DOWNLOAD) or not wanted or given.get("repository"):
            continue
        elsewhere = bool(given.get("run-id"))
        makers = (
            [each for each in every if (text(each.content, "name") in sources) == elsewhere]
            if elsewhere
            else [workflow]
        )
        uploaded = [text(each, "with", "name") for maker in makers for each in _uploads(maker)]
        if not makers or any(_may_be(wanted, name) for name in uploaded) or (elsewhere and not uploaded):
            continue
        near = nearest(wanted, uploaded)
        yield Finding(
            at=workflow.at(*path, "with", "name"),
            message=f"a step of {workflow.file} downloads the artifact {wanted}, which no step uploads",
            fix=f"write {near or one_of(uploaded)}" if uploaded else "upload it first",
        )


def _uploads(workflow: Workflow) -> list[dict[str, Any]]:
    return [step for _, step in workflow.steps() if text(step, "uses").startswith(_UPLOAD)]


def _may_be(wanted: str, name: str) -> bool:
    """Return whether two names with expressions in them may be one."""
    pattern = "".join(
        ".*" if index % 2 else re.escape(part)
        for index, part in enumerate(re.split(r"(\$\{\{[^{}]*\}\})", name or "artifact"))
    )
    probe = _EXPRESSION.sub("x", wanted)
    other = "".join(
        ".*" if index % 2 else re.escape(part) for index, part in enumerate(re.split(r"(\$\{\{[^{}]*\}\})", wanted))
    )
    return bool(re.fullmatch(pattern, probe) or re.fullmatch(other, _EXPRESSION.sub("x", name or "artifact")))


def _of_scripts(environment: Environment, workflow: Workflow) -> Iterator[Finding]:
    """Yield scripts of the repository that a step runs and that are not there."""
    files = environment.repository.files
    for path, step in workflow.steps():
        folder = text(step, "working-directory")
        for script in _SCRIPT.findall(text(step, "run")):
            if folder or files.is_file(script):
                continue
            there = [f"scripts/{name}" for name in files.under("scripts")] if files.is_folder("scripts") else []
            near = nearest(script, there)
            if near and PurePosixPath(near).suffix == PurePosixPath(script).suffix:
                yield Finding(
                    at=workflow.at(*path, "run"),
                    message=f"a step of {workflow.file} runs {script}, which is not there",
                    fix=f"write {near}",
                )
