"""Workflows with rights that run strangers' code."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, text, workflows

_PRIVILEGED = ("pull_request_target", "workflow_run")
_HEAD = re.compile(
    r"github\.event\.(?:pull_request\.head\.(?:sha|ref)|workflow_run\.head_(?:sha|branch))|github\.head_ref"
    r"|refs/pull/\$\{\{"
)


@rule("workflow/untrusted-checkout", error, since="0.1.0")
def untrusted_checkout(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A workflow that has the repository's secrets and checks out a fork's code exposes them to the fork."""
    for workflow in workflows(environment):
        event = next((each for each in workflow.events if each in _PRIVILEGED), "")
        for path, step in workflow.steps() if event else ():
            ref = text(step.get("with"), "ref")
            if text(step, "uses").startswith("actions/checkout@") and _HEAD.search(ref):
                yield Finding(
                    at=workflow.at(*path, "with", "ref"),
                    message=f"{workflow.file} runs on {event}, with the repository's secrets, and checks out {ref}",
                    fix="use pull_request, which has no secrets, or do not check out the head",
                )
