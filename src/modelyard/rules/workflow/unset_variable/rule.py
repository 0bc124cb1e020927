"""Variables that a script of a workflow reads and that nobody sets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.catalog import github_runners
from modelyard.findings import Address, Finding, NotChecked, warning
from modelyard.repository import FileAddress
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.rules.workflow.unset_variable.shell import assigned, read
from modelyard.view import Environment, Workflow, mapping, numbered, text, workflows

# https://docs.github.com/en/actions/reference/workflows-and-actions/variables, and what a shell sets by itself.
_OF_GITHUB = ("GITHUB_", "RUNNER_", "ACTIONS_")
_THERE = frozenset(
    {
        *("CI", "HOME", "PATH", "PWD", "OLDPWD", "SHELL", "USER", "LOGNAME", "LANG", "TERM", "HOSTNAME", "SHLVL"),
        *("TMPDIR", "RANDOM", "SECONDS", "LINENO", "REPLY", "IFS", "UID", "EUID", "PPID", "OPTARG", "OPTIND"),
        *("FUNCNAME", "PIPESTATUS", "BASH_SOURCE", "BASH_REMATCH", "COLUMNS", "EPOCHSECONDS", "OSTYPE"),
    }
)
# These set no variables for what follows; others may.
_QUIET = (
    "actions/checkout",
    "actions/cache",
    "actions/upload-artifact",
    "actions/download-artifact",
    "actions/attest-build-provenance",
    "actions/github-script",
    "github/codeql-action/upload-sarif",
    "anchore/scan-action",
)
_SHELLS = ("", "bash", "sh")
_GH = re.compile(r"(?:^|[\s;&|(`])gh\s+(?:api|pr|issue|release|run|workflow|secret|variable|repo|label|cache)\b")
_TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")


@rule("workflow/unset-variable", warning, since="0.3.0")
def unset_variable(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A script reads a variable that no `env` sets: it is empty, or ends the script."""
    for workflow in workflows(environment):
        for name, job in workflow.jobs.items():
            if isinstance(job, dict) and not job.get("container"):
                yield from _of_job(workflow, str(name), job)


def _of_job(workflow: Workflow, name: str, job: Mapping[str, Any]) -> Iterator[Finding]:
    outer = {str(key) for holder in (workflow.content, job) for key in mapping(holder, "env")}
    runner = job.get("runs-on")  # variables of a team's own runners are not known
    is_hosted = isinstance(runner, str) and (runner.startswith("ubuntu-") or runner in github_runners()[0])
    handed_on: set[str] = set()
    others = False
    for index, step in numbered(job, "steps"):
        action, script = text(step, "uses").partition("@")[0], text(step, "run")
        others |= bool(action) and action not in _QUIET
        if not script or text(step, "shell") not in _SHELLS:
            continue
        own = {str(key) for key in mapping(step, "env")}
        known = outer | own | handed_on | assigned(script)
        if "GITHUB_ENV" in script:
            handed_on |= assigned(script)
        yield from _of_script(
            workflow, name, ("jobs", name, "steps", index), script, known, own | outer, others or not is_hosted
        )
        if is_hosted and _GH.search(script) and not known.intersection(_TOKENS) and not others:
            yield Finding(
                at=workflow.at("jobs", name, "steps", index, "run"),
                message=f"job {name} of {workflow.file} runs gh, and no env sets GH_TOKEN: gh refuses to work",
                fix="set GH_TOKEN: ${{ github.token }} in env",
            )


def _of_script(
    workflow: Workflow,
    name: str,
    path: tuple[str | int, ...],
    script: str,
    known: set[str],
    given: set[str],
    cautious: bool,
) -> Iterator[Finding]:
    used = set(read(script))
    for variable in sorted(used - known - _THERE):
        if variable.startswith(_OF_GITHUB):
            continue
        near = nearest(variable, given - used, cutoff=0.75)
        if cautious and not near:
            continue  # an action before may have set it
        holder = next((each for each in (path, path[:2], ()) if near in mapping(_at(workflow, each), "env")), None)
        at = workflow.at(*path, "run") if holder is None else _key(workflow, (*holder, "env", near))
        yield Finding(
            at=at,
            message=f"job {name} of {workflow.file} reads ${variable}, which no env sets"
            + (f"; there is {near}" if near else ""),
            fix=f"write {variable} in env" if near else f"set {variable} in env, or a default: ${{{variable}:-}}",
        )


def _key(workflow: Workflow, path: tuple[str | int, ...]) -> Address:
    return FileAddress(workflow.environment.repository.files, workflow.file, path, key=True)


def _at(workflow: Workflow, path: tuple[str | int, ...]) -> Any:
    value: Any = workflow.content
    for step in path:
        value = value[step]
    return value
