"""Workflows: which jobs, files and commands of the repository they name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from modelyard.findings import Address, UserError
from modelyard.graph.edges import Definition, End, ObjectRef, Reference
from modelyard.graph.extractors.argocd import RepositoryFile
from modelyard.graph.extractors.context import Context
from modelyard.rendering import Path
from modelyard.repository import Files
from modelyard.repository.toml import parsed
from modelyard.view.environment import Environment
from modelyard.view.shapes import listed, text
from modelyard.view.terraform.blocks import LineAddress
from modelyard.view.workflows import Workflow, workflows

_REQUIREMENT = re.compile(r"^([A-Za-z][\w-]*)", re.MULTILINE)
_WORD = re.compile(r"[\w./-]+")
_RUNS_FILE = re.compile(r"(?:^|[\s;&|(])(?:(?:bash|sh|python3?|pip install -r|-r|source)\s+)(\.?/?[\w./-]+\.\w+)")


class _Step:
    """A value of a workflow as an end."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow

    def at(self, path: Path = ()) -> Address:
        return self._workflow.at(*path)


class _Declared:
    """The line of a file that names a program."""

    def __init__(self, files: Files, file: str, name: str) -> None:
        self._files, self._file, self._name = files, file, name

    def at(self, path: Path = ()) -> Address:
        return LineAddress(self._files, self._file, sought=(self._name,))


def named(environment: Environment, context: Context) -> Iterator[Definition | Reference]:
    """Yield the jobs of workflows, what a job waits for, and what its steps run."""
    found = list(workflows(environment))
    files = environment.repository.files
    programs = _programs(files) if found else {}
    for name, file in programs.items():
        yield Definition(End(ObjectRef("command", name), _Declared(files, file, name)))
    for workflow in found:
        holder, node = _Step(workflow), ObjectRef("workflow", workflow.file)
        for job, value in workflow.jobs.items():
            yield Definition(End(node._replace(part=f"job {job}"), holder, ("jobs", str(job))))
            needs = listed(value, "needs") or [text(value, "needs")]
            for index, each in enumerate(needs):
                path: Path = (
                    ("jobs", str(job), "needs", index) if listed(value, "needs") else ("jobs", str(job), "needs")
                )
                if each:
                    yield Reference("waits for", End(node, holder, path), node._replace(part=f"job {each}"))
        yield from _steps(workflow, node, holder, context, programs)


def _steps(
    workflow: Workflow, node: ObjectRef, holder: _Step, context: Context, programs: Mapping[str, str]
) -> Iterator[Definition | Reference]:
    files = context.environment.repository.files
    done: set[ObjectRef] = set()
    for path, step in workflow.steps():
        used, script = text(step, "uses"), text(step, "run")
        wanted: list[tuple[str, ObjectRef, bool]] = []
        if used.startswith("./"):
            wanted.append(("uses", _place(files, used), False))
        wanted.extend(("runs", _place(files, each), "/" not in each) for each in _RUNS_FILE.findall(script))
        words = dict.fromkeys(_WORD.findall(_without_expressions(script)))
        wanted.extend(("reads", _place(files, word), False) for word in words if "/" in word and _is_there(files, word))
        wanted.extend(("calls", ObjectRef("command", word), False) for word in words if word in programs)
        for relation, target, optional in wanted:
            if target in done:
                continue
            done.add(target)
            field = "uses" if relation == "uses" else "run"
            if target.kind != "command" and _is_there(files, target.name) and target not in context.files:
                context.files.add(target)
                yield Definition(End(target, RepositoryFile(context, target.name)))
            yield Reference(relation, End(node, holder, (*path, field)), target, optional=optional)


def _programs(files: Files) -> dict[str, str]:
    """Return the programs that the repository declares, each with the file that does."""
    found: dict[str, str] = {}
    for file, names in (("mise.toml", _tools), ("requirements.txt", _REQUIREMENT.findall)):
        if files.is_file(file):
            try:
                found.update({name: file for name in names(files.text(file)) if name not in found})
            except UserError:
                continue
    return found


def _tools(content: str) -> list[str]:
    tools = parsed(content).get("tools")
    return list(tools) if isinstance(tools, dict) else []


def _without_expressions(script: str) -> str:
    return re.sub(r"\$\{\{[^{}]*\}\}|\$\{?\w+\}?[\w./-]*", " ", script)


def _place(files: Files, path: str) -> ObjectRef:
    name = path.removeprefix("./").rstrip("/")
    return ObjectRef("folder" if files.is_folder(name) else "file", name)


def _is_there(files: Files, path: str) -> bool:
    name = path.removeprefix("./").rstrip("/")
    inside = bool(name) and not name.startswith(("/", "..")) and "/.." not in name
    return inside and (files.is_file(name) or files.is_folder(name))
