"""Actions that others may change at any time."""

import re
from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, workflows

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DIGEST = re.compile(r"docker://.+@sha256:[0-9a-f]{64}")


@rule("workflow/unpinned-action", warning, since="0.1.0")
def unpinned_action(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A tag or branch of an action can be moved, and its new code runs with the workflow's permissions."""
    for workflow in workflows(environment):
        used: list[tuple[object, Address]] = [
            (step.get("uses"), workflow.at(*path, "uses")) for path, step in workflow.steps()
        ]
        used.extend(
            (job.get("uses"), workflow.at("jobs", name, "uses"))
            for name, job in workflow.jobs.items()
            if isinstance(job, dict)
        )
        for uses, at in used:
            if not isinstance(uses, str) or uses.startswith("./") or _DIGEST.fullmatch(uses):
                continue
            if not _COMMIT.fullmatch(uses.rpartition("@")[2]):
                yield Finding(
                    at=at,
                    message=f"the workflow {workflow.file} uses {uses}, which is not pinned to a commit",
                    fix="pin the commit, with the version in a comment after it",
                )
