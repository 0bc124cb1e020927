"""Kustomize's failures in our words, at the file to look at."""

from __future__ import annotations

import re

from modelyard.findings import UserError
from modelyard.rendering.model import RenderError
from modelyard.repository import FileAddress, Files, Repository, Tree, joined
from modelyard.repository.yaml import documents

_QUOTED = re.compile(r"from '([^']+)'")
_PATTERNS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"may not add resource with an already registered id: (?P<id>\S+)"),
        "{id} is defined twice",
        "remove one of the two, or rename it",
    ),
    (
        re.compile(r"no matches for Id (?P<id>[^;]+)"),
        "a patch is for {id}, which does not exist here",
        "name a resource that the kustomization lists",
    ),
    (
        re.compile(
            r"(?P<op>add|remove|replace|test|move|copy) operation does not apply: "
            r"doc is missing (?:path|key): (?P<path>\S+?)(?::|$)"
        ),
        "a JSON patch would {op} {path}, which the resource does not have",
        "correct the path, or declare the field in the base",
    ),
    (
        re.compile(r"error in (?P<op>add|remove|replace|test|move|copy) for path: '(?P<path>[^']+)'"),
        "a JSON patch would {op} {path}, which the resource does not have",
        "correct the path, or declare the field in the base",
    ),
    (
        re.compile(r"expected kind != 'Component' for path '(?P<path>[^']+)'"),
        "a Component is listed under resources",
        "list it under components",
    ),
    (
        re.compile(r"(?:unknown field|json: unknown field) \"(?P<field>[^\"]+)\""),
        "the kustomization has an unknown field {field}",
        "correct its spelling",
    ),
    (
        re.compile(
            r"merging from generator[^\n]{0,500}?(?P<id>(?:ConfigMap|Secret)\S{0,300})[^\n]{0,500}?does not exist"
        ),
        "a generator merges into {id}, which does not exist",
        "use behavior: create, or name an existing one",
    ),
)


def input_errors(tree: Tree) -> tuple[RenderError, ...]:
    """Return the problems of a target's inputs as errors."""
    return tuple(RenderError(problem.kind, problem.message, problem.at, problem.fix) for problem in tree.problems)


def build_errors(repository: Repository, tree: Tree, message: str) -> tuple[RenderError, ...]:
    """Return why a build failed.

    Files that are not YAML are found by reading the inputs, since Kustomize does not say where; else its message is
    translated, and its innermost reason is quoted where there is no translation.
    """
    malformed = _malformed_inputs(repository.files, tree)
    if malformed:
        return malformed
    text = " ".join(message.replace("Error: ", "", 1).split())
    translated = translation(repository, tree, text)
    if translated is not None:
        return (translated,)
    inner = text.rsplit("err='", 1)[-1].rstrip("'")
    at = FileAddress(repository.files, _innermost(tree, text))
    return (RenderError("build", f"{tree.target} does not build: {inner[:400]}", at),)


def translation(repository: Repository, tree: Tree, text: str) -> RenderError | None:
    """Return a failure of Kustomize's libraries, which both backends meet, in our words; None for an unknown one."""
    at = FileAddress(repository.files, _innermost(tree, text))
    for pattern, ours, fix in _PATTERNS:
        match = pattern.search(text)
        if match:
            words = {name: part.strip('\\"') for name, part in match.groupdict().items()}
            if "op" in words:
                at = _operation(repository.files, tree, words["op"], words["path"]) or at
            elif "Component" in ours:
                at = _component(repository, tree) or at
            return RenderError("build", f"{tree.target}: {ours.format(**words)}", at, fix)
    return None


def _operation(files: Files, tree: Tree, op: str, path: str) -> FileAddress | None:
    """Return the entry of `patches` that holds a JSON patch's operation, None when it is not just one."""
    found: list[FileAddress] = []
    for layer in tree.layers:
        for key in ("patches", "patchesJson6902"):
            for index, entry in enumerate(layer.entries(key)):
                text = str(entry.get("patch") or "") if isinstance(entry, dict) else ""
                try:
                    operations = documents(layer.file, text)
                except UserError:
                    continue
                found.extend(
                    FileAddress(files, layer.file, (key, index, "patch"), key=True)
                    for each in (operations[0] if operations and isinstance(operations[0], list) else ())
                    if isinstance(each, dict) and (each.get("op"), each.get("path")) == (op, path)
                )
    return found[0] if len(found) == 1 else None


def _component(repository: Repository, tree: Tree) -> FileAddress | None:
    """Return the entry of `resources` that lists a Component."""
    for layer in tree.layers:
        for index, entry in enumerate(layer.entries("resources")):
            folder = joined(layer.folder, entry) if isinstance(entry, str) else None
            if any(each.folder == folder and each.component for each in tree.layers):
                return FileAddress(repository.files, layer.file, ("resources", index))
    return None


def _malformed_inputs(files: Files, tree: Tree) -> tuple[RenderError, ...]:
    errors = []
    for path in sorted(tree.inputs):
        if not path.endswith((".yaml", ".yml")):
            continue
        try:
            files.documents(path)
        except UserError as error:
            at = error.at or FileAddress(files, path)
            errors.append(RenderError("malformed", error.message, at, error.fix))
    return tuple(errors)


def _innermost(tree: Tree, text: str) -> str:
    """Return the kustomization that the failure is about: the deepest whose folder the message names."""
    named = [
        layer
        for layer in tree.layers
        for quoted in _QUOTED.findall(text)
        if layer.folder.endswith(quoted.replace("../", "").rstrip("/")) and quoted.strip("./")
    ]
    return (named[0] if named else tree.layers[-1]).file
