"""Workflows and jobs that GitHub never starts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, Workflow, listed, workflows

# https://docs.github.com/en/actions/reference/runners/github-hosted-runners, read 2026-12-01: what labels begin with.
_SYSTEMS = ("ubuntu", "windows", "macos")
_LABEL = re.compile(r"([A-Za-z]+)-(?:latest|slim|\d[\w.]*)(?:-\w+)*")


@rule("workflow/never-started", warning, since="0.3.0")
def never_started(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A workflow that follows one of another name never runs, and a job of an unknown runner waits for a day."""
    found = list(workflows(environment))
    names = {str(each.content.get("name") or each.file) for each in found}
    for workflow in found:
        on = workflow.content.get("on")
        for index, name in enumerate(listed(on, "workflow_run", "workflows") if isinstance(on, dict) else ()):
            if str(name) not in names:
                yield Finding(
                    at=workflow.at("on", "workflow_run", "workflows", index),
                    message=f"{workflow.file} runs after workflow {name}, which is not in this repository",
                    fix=f"name {nearest(str(name), names) or one_of(names)}",
                )
        yield from _runners(workflow)


def _runners(workflow: Workflow) -> Iterator[Finding]:
    for name, job in workflow.jobs.items():
        label = job.get("runs-on") if isinstance(job, dict) else None
        matched = _LABEL.fullmatch(label) if isinstance(label, str) else None
        system = matched[1].lower() if matched else ""
        near = nearest(system, _SYSTEMS, cutoff=0.75) if system and system not in _SYSTEMS else ""
        if near:
            yield Finding(
                at=workflow.at("jobs", str(name), "runs-on"),
                message=f"job {name} of {workflow.file} asks for a runner {label}, which GitHub does not have",
                fix=f"write {near}{str(label)[len(system) :]}",
            )
