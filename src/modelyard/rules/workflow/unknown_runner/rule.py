"""Jobs that ask for a runner which GitHub does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, workflows

# https://docs.github.com/en/actions/reference/runners/github-hosted-runners, read 2026-12-01: what labels begin with.
_SYSTEMS = ("ubuntu", "windows", "macos")
_LABEL = re.compile(r"([A-Za-z]+)-(?:latest|slim|\d[\w.]*)(?:-\w+)*")


@rule("workflow/unknown-runner", warning, since="0.3.0")
def unknown_runner(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A job whose runner is a misspelt label of GitHub's own waits for a day, and is cancelled then."""
    for workflow in workflows(environment):
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
