"""Jobs whose token may do more than their steps need, or less."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rules import rule
from modelyard.view import Environment, Workflow, entries, text, workflows

_CHECKOUT = "actions/checkout"


@rule("workflow/excessive-permissions", warning, since="0.1.0")
def excessive_permissions(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A token that may write everything lets any step change code and releases; one that may read nothing fails."""
    for workflow in workflows(environment):
        whole = workflow.content.get("permissions")
        if whole == "write-all":
            yield _too_much(workflow, "permissions")
        for name, job in workflow.jobs.items():
            if not isinstance(job, dict):
                continue
            own = job.get("permissions")
            if own == "write-all":
                yield _too_much(workflow, "jobs", str(name), "permissions")
            granted = own if own is not None else whole
            if _checks_out(job) and isinstance(granted, dict) and not _may_read(granted):
                yield Finding(
                    at=workflow.at("jobs", str(name), "permissions")
                    if own is not None
                    else workflow.at("jobs", str(name)),
                    message=f"job {name} of {workflow.file} checks out the repository, and its token may not read it",
                    fix="add contents: read",
                    severity=error,
                )


def _too_much(workflow: Workflow, *path: str) -> Finding:
    return Finding(
        at=workflow.at(*path),
        message=f"{workflow.file} lets the token write everything",
        fix="write permissions: {} at the top, and what each job needs below it",
    )


def _checks_out(job: dict[str, Any]) -> bool:
    # A step with a token of its own needs nothing of the job's.
    return any(
        text(step, "uses").startswith(_CHECKOUT) and not text(step, "with", "token") for step in entries(job, "steps")
    )


def _may_read(granted: dict[str, Any]) -> bool:
    return granted.get("contents") in ("read", "write")
