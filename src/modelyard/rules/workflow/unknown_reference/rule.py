"""Expressions of workflows that name steps, jobs, outputs or properties that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.catalog import context_properties
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import did_you_mean
from modelyard.view import Environment, Workflow, mapping, needed_jobs, numbered, text, texts_in, workflows

_EXPRESSION = re.compile(r"\$\{\{([^{}]*+)\}\}")
_NAME = re.compile(r"(?<![\w.'-])(needs|steps)\.([\w-]+)(?:\.([\w-]+)(?:\.([\w-]+))?)?")
# https://docs.github.com/en/actions/reference/workflows-and-actions/contexts
_PROPERTIES = {"needs": {"outputs", "result"}, "steps": {"outputs", "outcome", "conclusion"}}
_FIXED = re.compile(r"(?<![\w.'-])(github|runner|strategy|job)\.([A-Za-z_][\w-]*+)")
_EVENT_NAME = re.compile(r"github\.event_name\s{0,9}[=!]=\s{0,9}'([^']*)'")
_PAYLOAD = re.compile(r"(?<![\w.-])github\.event\.([A-Za-z_]+)")
# Parts of a payload with the events that have them: https://docs.github.com/en/webhooks/webhook-events-and-payloads
_OF_PULL_REQUESTS = frozenset(
    {"pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"}
)
_BROUGHT = {
    "pull_request": _OF_PULL_REQUESTS,
    "workflow_run": frozenset({"workflow_run"}),
    "head_commit": frozenset({"push"}),
    "release": frozenset({"release"}),
}
_QUOTED = re.compile(r"'[^']*'")

_Path = tuple[str | int, ...]


@rule("workflow/unknown-reference", warning, since="0.3.0")
def unknown_reference(environment: Environment) -> Iterator[Finding | NotChecked]:
    """GitHub evaluates a reference to an unknown step, job or output as an empty string, without an error."""
    for workflow in workflows(environment):
        for name, job in workflow.jobs.items():
            if isinstance(job, dict):
                yield from _of_job(workflow, str(name), job)


def _of_job(workflow: Workflow, name: str, job: Mapping[str, Any]) -> Iterator[Finding]:
    needed = list(needed_jobs(job))
    steps = {text(step, "id") for _, step in numbered(job, "steps")} - {""}
    said: set[tuple[str, str]] = set()
    for path, written in texts_in(job, ("jobs", name)):
        condition = path[-1] == "if" and "${{" not in written
        for expression in [written] if condition else _EXPRESSION.findall(written):
            bare = _QUOTED.sub("''", expression)
            for root, property_ in _FIXED.findall(bare):
                properties = context_properties(root)
                if properties and property_.lower() not in {each.lower() for each in properties}:
                    yield Finding(
                        at=workflow.at(*path),
                        message=f"job {name} of {workflow.file} uses {root}.{property_}, and {root} has no {property_}",
                        fix=did_you_mean(property_, properties) or "name what is there",
                    )
            yield from _of_events(workflow, name, path, expression)
            for root, called, property_, name_ in _NAME.findall(bare):
                output = name_ if property_ == "outputs" else ""
                if property_ and property_ not in _PROPERTIES[root]:
                    yield Finding(
                        at=workflow.at(*path),
                        message=f"job {name} of {workflow.file} uses {root}.{called}.{property_}, "
                        f"and {root} have no {property_}",
                        fix=did_you_mean(property_, _PROPERTIES[root]) or "name what is there",
                    )
                    continue
                found = _fault(workflow, root, called, output, needed, steps)
                if found is None or (root + called, output) in said:
                    continue
                said.add((root + called, output))
                what, wrong, known = found
                yield Finding(
                    at=workflow.at(*path),
                    message=f"job {name} of {workflow.file} uses {root}.{called}"
                    f"{'.outputs.' + output if output else ''}, but {what}",
                    fix=did_you_mean(wrong, known) or "use an existing name",
                )


def _of_events(workflow: Workflow, name: str, path: _Path, expression: str) -> Iterator[Finding]:
    """Yield what an event would have to be that never starts the workflow, or what none of its events brings."""
    events = set(workflow.events)
    if not events or "workflow_call" in events:
        return  # with the events of who calls it
    for asked in _EVENT_NAME.findall(expression):
        if asked not in events:
            yield Finding(
                at=workflow.at(*path),
                message=f"job {name} of {workflow.file} asks whether the event is {asked}, which does not start it",
                fix=did_you_mean(asked, events) or f"name one of {', '.join(sorted(events))}",
            )
    for member in _PAYLOAD.findall(_QUOTED.sub("''", expression)):
        bringing = _BROUGHT.get(member)
        if bringing is not None and not events & bringing:
            yield Finding(
                at=workflow.at(*path),
                message=f"job {name} of {workflow.file} uses github.event.{member}, which {', '.join(sorted(events))} "
                "does not bring: it is empty",
                fix=f"use github.event.workflow_run.{member}s"
                if "workflow_run" in events
                else "use what the event has",
            )


def _fault(
    workflow: Workflow, root: str, called: str, output: str, needed: list[str], steps: set[str]
) -> tuple[str, str, set[str]] | None:
    """Return what is wrong, the wrong name, and the names that there are; None for a right one."""
    if root == "steps":
        return None if called in steps else (f"no step has the id {called}", called, steps)
    if called not in needed:
        known = set(needed) or {str(each) for each in workflow.jobs}
        return f"the job does not list {called} in needs", called, known
    other = workflow.jobs.get(called)
    if not output or not isinstance(other, dict) or other.get("uses"):
        return None
    outputs = {str(each) for each in mapping(other, "outputs")}
    return None if output in outputs else (f"job {called} has no output {output}", output, outputs)
