"""Jobs whose token may do more than their steps need, or less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rules import rule
from modelyard.view import Environment, Workflow, entries, mapping, text, workflows

_CHECKOUT = "actions/checkout"
# What actions write: their READMEs, read 2026-12-01.
_NEEDED = {
    "github/codeql-action/upload-sarif": "security-events",
    "actions/attest-build-provenance": "attestations",
    "actions/deploy-pages": "pages",
}
_CHANGED = re.compile(r"--method (?:POST|PATCH) \"?(repos/[^\s\"]++)")
_OWN_TOKEN = re.compile(r"\$\{\{\s*(?:github\.token|secrets\.GITHUB_TOKEN)\s*\}\}")


@rule("workflow/excessive-permissions", warning, since="0.1.0")
def excessive_permissions(environment: Environment) -> Iterator[Finding | NotChecked]:
    """With write-all, any step can change code and releases; without read access, the checkout fails."""
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
                yield _unread(environment, workflow, str(name), own is not None)
            if isinstance(granted, dict):
                yield from _too_little(workflow, str(name), job, granted, own is not None)


def _too_little(
    workflow: Workflow, name: str, job: dict[str, Any], granted: dict[str, Any], own: bool
) -> Iterator[Finding]:
    """Yield what steps need and the token may not: of known actions, and of comments by the command line of GitHub."""
    needed: dict[str, str] = {}
    environment = {**mapping(workflow.content, "env"), **mapping(job, "env")}
    for step in entries(job, "steps"):
        action = text(step, "uses").partition("@")[0]
        if action in _NEEDED and not text(step, "with", "token"):
            needed.setdefault(_NEEDED[action], f"runs {action}")
        token = str({**environment, **mapping(step, "env")}.get("GH_TOKEN", ""))
        if _comments(text(step, "run")) and _OWN_TOKEN.search(token):
            needed.setdefault("pull-requests", "comments on pull requests")
    for permission, what in needed.items():
        if granted.get(permission) == "write" or (permission == "pull-requests" and granted.get("issues") == "write"):
            continue
        yield Finding(
            at=workflow.at("jobs", name, "permissions") if own else workflow.at("jobs", name),
            message=f"job {name} of {workflow.file} {what}, but its token cannot write {permission}",
            fix=f"add {permission}: write",
            severity=error,
        )


def _unread(environment: Environment, workflow: Workflow, name: str, own: bool) -> Finding | NotChecked:
    """Return that a token cannot read what its job checks out; everybody's token can read a public repository."""
    message = f"job {name} of {workflow.file} checks out the repository, but its token cannot read it"
    if not environment.is_generated:
        return NotChecked(message, "whether the repository is public, where no right is needed, is not known")
    return Finding(
        at=workflow.at("jobs", name, "permissions") if own else workflow.at("jobs", name),
        message=message,
        fix="add contents: read",
        severity=error,
    )


def _too_much(workflow: Workflow, *path: str) -> Finding:
    return Finding(
        at=workflow.at(*path),
        message=f"{workflow.file} gives the token write access to everything",
        fix="set permissions: {} at the top level, and each job's permissions in the job",
    )


def _checks_out(job: dict[str, Any]) -> bool:
    # A step with a token of its own needs nothing of the job's.
    return any(
        text(step, "uses").startswith(_CHECKOUT) and not text(step, "with", "token") for step in entries(job, "steps")
    )


def _may_read(granted: dict[str, Any]) -> bool:
    return granted.get("contents") in ("read", "write")


def _comments(script: str) -> bool:
    """Return whether a script writes a comment on an issue or a pull request."""
    told = (path for path in _CHANGED.findall(script) if "/issues/" in path or "/pulls/" in path)
    return "gh pr comment" in script or any("comments" in path for path in told)
