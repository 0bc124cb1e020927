"""Values of workflows that GitHub refuses, or that make a job wait for ever."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.catalog import github_runners
from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, Workflow, entries, mapping, numbered, text, texts_in, workflows

_FIELDS = (("minutes", 0, 59), ("hours", 0, 23), ("days", 1, 31), ("months", 1, 12), ("days of the week", 0, 6))
_NAMES = re.compile(r"(?i)\b(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT)\b")
_MATRIX = re.compile(r"(?<![\w.-])matrix\.([\w-]+)")
_QUOTED = re.compile(r"'[^']*'")
_EXPRESSION = re.compile(r"\$\{\{([^{}]*+)\}\}")
_LITERAL = re.compile(r"(?:[=!]=|&&|\|\||[(,])\s{0,99}(?:\[[^\]]{0,400}\]|\{[^}]{0,400}\})")
_OF_GITHUB = re.compile(r"[A-Za-z]+-(?:latest|slim|\d[\w.]*)(?:-\w+)*")
_CHANGES = re.compile(r"\bterraform\b[^\n]{0,400}\b(?:apply|destroy)\b")


@rule("workflow/refused-value", error, since="0.3.0")
def refused_value(environment: Environment) -> Iterator[Finding | NotChecked]:
    """GitHub refuses a workflow with a value that it does not know, or queues a job for a runner that is gone."""
    for workflow in workflows(environment):
        for index, entry in numbered(workflow.content, "on", "schedule"):
            fault = _of_cron(text(entry, "cron"))
            if fault:
                yield Finding(
                    at=workflow.at("on", "schedule", index, "cron"),
                    message=f"{workflow.file} runs at {text(entry, 'cron')}, which GitHub refuses: {fault}",
                    fix="write five fields, such as 17 5 * * 1",
                )
        for name, job in workflow.jobs.items():
            if isinstance(job, dict):
                yield from _of_job(workflow, str(name), job)


def _of_job(workflow: Workflow, name: str, job: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _of_runner(workflow, name, job.get("runs-on"), ("jobs", name, "runs-on"))
    yield from _of_matrix(workflow, name, job)
    yield from _of_artifacts(workflow, name, job)
    yield from _of_literals(workflow, name, job)
    cancelled = [mapping(holder, "concurrency") for holder in (job, workflow.content)]
    applies = any(_CHANGES.search(text(step, "run")) for step in entries(job, "steps"))
    for where, each in zip((("jobs", name), ()), cancelled, strict=True):
        if applies and each.get("cancel-in-progress") is True:
            yield Finding(
                at=workflow.at(*where, "concurrency", "cancel-in-progress"),
                message=f"job {name} of {workflow.file} runs terraform apply, and a newer run cancels it: an apply "
                "that is cut off leaves its lock and half a change",
                fix="set cancel-in-progress to false",
                severity=warning,
            )


def _of_runner(workflow: Workflow, name: str, label: object, path: tuple[str, ...]) -> Iterator[Finding]:
    """Yield a label of GitHub's own runners that is gone, or never was; other labels may be a team's own."""
    if not isinstance(label, str) or "${{" in label:
        return
    there, gone = github_runners()
    family, families = label.partition("-")[0], {each.partition("-")[0] for each in there}
    if family.lower() not in families and _OF_GITHUB.fullmatch(label):
        if system := nearest(family.lower(), families, cutoff=0.75):
            yield Finding(
                at=workflow.at(*path),
                message=f"job {name} of {workflow.file} asks for a runner {label}, which GitHub does not have",
                fix=f"write {system}{label[len(family) :]}",
                severity=warning,  # it may be a team's own all the same
            )
        return
    if label in gone or (label not in there and family in families):
        if label not in gone and not re.fullmatch(rf"{family}-[\d.]+(-arm)?|{family}-?[a-z]*", label):
            return
        near = nearest(label, there)
        yield Finding(
            at=workflow.at(*path),
            message=f"job {name} of {workflow.file} waits for a runner {label}, which GitHub "
            f"{'removed' if label in gone else 'does not offer'}",
            fix=f"write {near or one_of(there)}",
        )


def _of_matrix(workflow: Workflow, name: str, job: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield keys of the matrix that an expression reads and that it does not have."""
    matrix = job.get("strategy", {}).get("matrix") if isinstance(job.get("strategy"), dict) else None
    if isinstance(matrix, str):
        return  # made when it runs
    keys = set(matrix or {}) - {"include", "exclude"}
    keys |= {str(key) for each in entries({"matrix": matrix or {}}, "matrix", "include") for key in each}
    if matrix and isinstance(matrix.get("include"), str):
        return
    said: set[str] = set()
    for path, written in texts_in(dict(job), ("jobs", name)):
        condition = path[-1] == "if" and "${{" not in written
        for expression in [written] if condition else _EXPRESSION.findall(written):
            for key in _MATRIX.findall(_QUOTED.sub("''", expression)):
                if key not in keys and key not in said:
                    said.add(key)
                    near = nearest(key, keys)
                    yield Finding(
                        at=workflow.at(*path),
                        message=f"job {name} of {workflow.file} reads matrix.{key}, which its matrix does not have; "
                        "GitHub takes it for an empty text",
                        fix=f"write matrix.{near}" if near else "name a key of the matrix",
                    )


def _of_artifacts(workflow: Workflow, name: str, job: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield artifacts that each job of a matrix uploads under one name: actions/upload-artifact#478."""
    matrix = mapping(job, "strategy").get("matrix")
    axes = [each for each in matrix.values() if isinstance(each, list)] if isinstance(matrix, dict) else []
    if not matrix or (isinstance(matrix, dict) and all(len(each) < 2 for each in axes) and len(axes) == len(matrix)):
        return
    axis = next(iter(matrix), "name") if isinstance(matrix, dict) else "name"
    for index, step in numbered(job, "steps"):
        version = re.fullmatch(r"actions/upload-artifact@(?:v(\d+)[\d.]*|[0-9a-f]{40})", text(step, "uses"))
        given = mapping(step, "with")
        label = str(given.get("name") or "artifact")
        if version is None or (version[1] and int(version[1]) < 4) or given.get("overwrite") or "${{" in label:
            continue
        yield Finding(
            at=workflow.at("jobs", name, "steps", index, *(("with", "name") if "name" in given else ("uses",))),
            message=f"each job of the matrix of {name} in {workflow.file} uploads the artifact {label}: GitHub refuses "
            "all but the first",
            fix=f"write a name for each, such as {label}-${{{{ matrix.{axis} }}}}",
        )


def _of_literals(workflow: Workflow, name: str, job: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield lists and objects in expressions, which have neither."""
    for path, written in texts_in(dict(job), ("jobs", name)):
        condition = path[-1] == "if" and "${{" not in written
        for expression in [written] if condition else _EXPRESSION.findall(written):
            bare = _QUOTED.sub("''", expression)
            if found := _LITERAL.search(bare):
                yield Finding(
                    at=workflow.at(*path),
                    message=f"job {name} of {workflow.file} has {found[0].strip()} in an expression; GitHub's have no "
                    "lists and objects, and the workflow is refused",
                    fix="compare with a text, such as '[]', or use fromJSON('[]')",
                )


def _of_cron(cron: str) -> str:
    """Return what is wrong with a schedule: POSIX cron, as GitHub reads it."""
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        return f"it has {len(fields)} fields instead of 5" if cron else ""
    for field, (what, low, high) in zip(fields, _FIELDS, strict=True):
        for part in field.split(","):
            base, _, step = part.partition("/")
            numbers = [] if base == "*" else base.split("-")
            for number in (*numbers, *([step] if step else [])):
                if not number.isdigit():
                    if not _NAMES.fullmatch(number):
                        return f"{number} is no number of {what}"
                elif number != step and not low <= int(number) <= high:
                    return f"{what} are {low} to {high}"
    return ""
