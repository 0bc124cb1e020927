"""Workflows that sign in to AWS with a key that does not expire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, numbered, workflows

_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_INPUTS = ("aws-access-key-id", "aws-secret-access-key")


@rule("workflow/long-lived-key", warning, since="0.1.0")
def long_lived_key(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An IAM user's access key works from anywhere until it is deleted, and one leaked log exposes it."""
    for workflow in workflows(environment):
        for path in _places(workflow.content):
            yield Finding(
                at=workflow.at(*path),
                message=f"{workflow.file} signs in to AWS with a stored key",
                fix="assume a role by OpenID Connect (role-to-assume of aws-actions/configure-aws-credentials)",
            )
            break  # one finding tells of all of them


def _places(content: Any) -> Iterator[tuple[str | int, ...]]:
    if not isinstance(content, dict):
        return
    yield from _variables(content, ())
    jobs = content.get("jobs")
    for name, job in jobs.items() if isinstance(jobs, dict) else ():
        yield from _variables(job, ("jobs", str(name)))
        for index, step in numbered(job, "steps"):
            path = ("jobs", str(name), "steps", index)
            yield from _variables(step, path)
            given = step.get("with")
            yield from ((*path, "with", each) for each in _INPUTS if isinstance(given, dict) and each in given)


def _variables(holder: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    variables = holder.get("env") if isinstance(holder, dict) else None
    if isinstance(variables, dict):
        yield from ((*path, "env", each) for each in _VARIABLES if each in variables)
