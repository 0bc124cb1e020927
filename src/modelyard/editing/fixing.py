"""Remedies of findings written into files: what rules give as edits, comments and layout kept, all files or none.

A fix is safe where it sets or adds a value in text that one kustomization alone reads. Removing something, and changing
a text that others share, is for whoever asks for it: it may be meant elsewhere.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from modelyard.checking import CheckOptions
from modelyard.checking.baseline import compared, counts
from modelyard.checking.check import check_repository
from modelyard.editing.changes import Changes
from modelyard.editing.splicing import Text, fragment, scalar
from modelyard.findings import Edit, ExitCode, Finding, Operation, Place, Precision, Report, UserError
from modelyard.rendering import MISSING, ResourceAddress, value_at
from modelyard.repository import FileAddress, Repository
from modelyard.repository.yaml import MappingNode, Node, SequenceNode, nodes

Path = tuple[str | int, ...]

_SEPARATOR = re.compile(r"---(\s|$)")


class NotFixable(Exception):
    """An edit cannot be written into its file; the text says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one file.

    Attributes:
        file: The file.
        operation: What is done.
        value: The new value or item.
        line: A line of the document that is changed, from 1.
        path: Where in that document; empty for a value inside a text, such as a patch.
        place: Where the value stands.
    """

    file: str
    operation: Operation
    value: Any
    line: int
    path: Path
    place: Place


@dataclass(slots=True)
class Fixed:
    """What became of the findings that have a fix.

    Attributes:
        changes: The files.
        mended: Findings that are gone after it.
        unsafe: How many more have a fix that nobody asked for.
        left: Findings whose fix cannot be written, each with why.
    """

    changes: Changes
    mended: list[Finding] = field(default_factory=list)
    unsafe: int = 0
    left: list[tuple[Finding, str]] = field(default_factory=list)


def fixed(repository: Repository, findings: Iterable[Finding], options: CheckOptions, *, unsafe: bool = False) -> Fixed:
    """Return the files as they are with the fixes of findings, tried out by a check.

    Args:
        repository: The repository.
        findings: What a check of it found.
        options: How it was checked.
        unsafe: Whether fixes count that remove something, or change a text that several kustomizations read.

    Raises:
        UserError: After the fixes a check finds what it does not find now.
    """
    everything = list(findings)
    made = Fixed(Changes(repository.root))
    wanted: list[tuple[Finding, list[Step]]] = []
    seen: set[tuple[str, str, str, str]] = set()
    for finding in everything:
        if not finding.edits:
            continue
        try:
            steps = steps_of(finding)
        except NotFixable as reason:
            made.left.append((finding, str(reason)))
            continue
        keys = {(each.file, str(each.place), each.operation.value, repr(each.value)) for each in steps}
        if keys <= seen:
            continue  # another environment's finding about the same text
        if not unsafe and not is_safe(repository, steps):
            made.unsafe += 1
            continue
        seen |= keys
        wanted.append((finding, steps))
    for _ in range(len(wanted) + 1):
        made.changes = _written(repository, wanted, made)
        if not made.changes.files_changed:
            return made
        after = _checked(repository, made.changes, options)
        against = compared(after.findings, counts(everything))
        if against.new:
            first = against.new[0]
            raise UserError(
                f"not written: with the fixes, a check would find {first.rule}: {first.message}",
                fix="mend it by hand, or fix fewer findings with --select",
                at=first.at,
                exit_code=ExitCode.FINDINGS,
            )
        still = counts(after.findings)
        stays = [each for each in wanted if any(True for _ in _same(each[0], still))]
        if not stays:
            made.mended = [finding for finding, _ in wanted]
            return made
        made.left += [(finding, "it stays after the change") for finding, _ in stays]
        wanted = [each for each in wanted if each not in stays]
    return made


def _checked(repository: Repository, changes: Changes, options: CheckOptions) -> Report:
    """Return what a check says of a copy with the changes; renderers read files, so that these have to be there."""
    with tempfile.TemporaryDirectory(prefix="modelyard-fix-") as folder:
        copy = FilePath(folder) / "repository"
        shutil.copytree(repository.root, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        for path, text in changes.staged.items():
            if text is not None:
                (copy / path).write_text(text, encoding="utf-8", newline="")
        return check_repository(Repository(copy, scope=repository.scope, remotes=repository.remotes), options)


def _same(finding: Finding, found: dict[tuple[str, str, str], int]) -> Iterator[tuple[str, str, str]]:
    return (key for key in counts([finding]) if found.get(key, 0) > 0)


def steps_of(finding: Finding) -> list[Step]:
    """Return the changes of files that mend a finding together.

    Raises:
        NotFixable: The text that sets a value is not known to its line, or is made by a program.
    """
    return [_step(edit) for edit in finding.edits]


def is_safe(repository: Repository, steps: Iterable[Step]) -> bool:
    """Return whether changes remove nothing, and touch only text that one kustomization alone reads."""
    return not any(each.operation is Operation.REMOVE or _is_shared(repository, each.file) for each in steps)


def with_step(text: str, step: Step) -> str:
    """Return a file's text with a change.

    Raises:
        NotFixable: The text is not as it was when the change was found.
        UserError: It is no YAML.
    """
    lines = text.split("\n")
    if not step.path:
        place = step.place
        line = lines[step.line - 1]
        start, end = (place.column or 1) - 1, (place.end_column or 0) - 1
        if end <= start or line != (place.text or line):
            raise NotFixable("the text is not as it was")
        lines[step.line - 1] = line[:start] + scalar(step.value) + line[end:]
        return "\n".join(lines)
    first = max((n + 1 for n in range(step.line - 1) if _SEPARATOR.match(lines[n])), default=0)
    last = next((n for n in range(step.line - 1, len(lines)) if n >= first and _SEPARATOR.match(lines[n])), len(lines))
    document = Text(step.file, "\n".join(lines[first:last]))
    _edit(document, step)
    return "\n".join([*lines[:first], *str(document).split("\n"), *lines[last:]])


def order(step: Step) -> tuple[bool, bool, tuple[int, ...]]:
    """Return what changes are sorted by, so that none moves what another one means.

    Values inside texts come first, for they are known by line; then items from the last one on.
    """
    return bool(step.path), step.operation is Operation.REMOVE, _backwards(step.path)


def _is_shared(repository: Repository, file: str) -> bool:
    """Return whether several kustomizations that no other one reads lead to a file."""
    read = {folder for each in repository.kustomization_folders for folder in _below(repository, each)}
    tops = [each for each in repository.kustomization_folders if each not in read]
    return sum(file in repository.kustomizations.tree(each).inputs for each in tops) > 1


def _below(repository: Repository, folder: str) -> list[str]:
    return [each for each in repository.kustomizations.tree(folder).folders if each != folder]


def _step(edit: Edit) -> Step:
    """Return where in a file an edit is made.

    Raises:
        NotFixable: The text that sets the value is not known to its line, or is made by a program.
    """
    place = edit.at.place()
    if place.precision is not Precision.EXACT or place.line is None or place.column is None:
        raise NotFixable("its place is not known to the line")
    if isinstance(edit.at, FileAddress):
        files = edit.at.files
    elif isinstance(edit.at, ResourceAddress):
        files = edit.at.repository.files
    else:
        raise NotFixable("its place is that of no value")
    text = files.text(place.file)
    below: Path = ()
    if isinstance(edit.at, FileAddress):
        rendered: Path = edit.at.path
        root = list(nodes(place.file, text))[edit.at.document]
        there = _existing(root, rendered)
        path = rendered[:there]
        below = rendered[there:]
    elif isinstance(edit.at, ResourceAddress):
        rendered = edit.at.path
        there = len(rendered)
        while there and value_at(edit.at.resource.value, rendered[:there]) is MISSING:
            there -= 1
        below = rendered[there:]
        found = _found(nodes(place.file, text), place, is_item=bool(rendered) and isinstance(rendered[there - 1], int))
        if found is None:
            if edit.operation is Operation.SET and not below and not isinstance(edit.value, dict | list):
                return Step(place.file, edit.operation, edit.value, place.line, (), place)
            raise NotFixable("it stands in a text, such as a patch")
        path = found
    else:
        raise NotFixable("its address is not one of a file")
    if any(isinstance(step, int) for step in below):
        raise NotFixable("the list that it belongs into is not there")
    return Step(place.file, edit.operation, edit.value, place.line, (*path, *below), place)


def _existing(node: Node, path: Path) -> int:
    """Return how many steps of a path are there."""
    for depth, step in enumerate(path):
        if isinstance(node, MappingNode):
            below = next((value for key, value in node.value if getattr(key, "value", None) == str(step)), None)
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            below = node.value[step]
        else:
            below = None
        if below is None:
            return depth
        node = below
    return len(path)


def _found(roots: Iterable[Node], place: Place, *, is_item: bool) -> Path | None:
    """Return the path of the key or value that begins at a place; None where none does.

    An item that is a mapping begins where its first key does: `is_item` tells which is meant.
    """
    for root in roots:
        found = [each for each in _marks(root, ()) if each[1] == (place.line, place.column)]
        fitting = [path for path, _ in found if isinstance(path[-1], int) is is_item] or [path for path, _ in found]
        if fitting:
            return max(fitting, key=len)
    return None


def _marks(node: Node, path: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    pairs: list[tuple[str | int, Sequence[Node]]] = []
    if isinstance(node, MappingNode):
        pairs = [(str(key.value), (key, value)) for key, value in node.value]
    elif isinstance(node, SequenceNode):
        pairs = [(index, (value,)) for index, value in enumerate(node.value)]
    for step, marked in pairs:
        for each in marked:
            yield (*path, step), (each.start_mark.line + 1, each.start_mark.column + 1)
        yield from _marks(marked[-1], (*path, step))


def _written(repository: Repository, wanted: Sequence[tuple[Finding, list[Step]]], made: Fixed) -> Changes:
    """Return the files with all fixes; those that cannot be written are left out."""
    changes = Changes(repository.root)
    steps = [(finding, step) for finding, all_steps in wanted for step in all_steps]
    for finding, step in sorted(steps, key=lambda each: order(each[1])):
        try:
            changes.write(step.file, with_step(changes.text(step.file), step))
        except (NotFixable, UserError) as reason:
            made.left.append((finding, str(getattr(reason, "message", reason))))
    return changes


def _backwards(path: Path) -> tuple[int, ...]:
    return tuple(-step for step in path if isinstance(step, int))


def _edit(document: Text, step: Step) -> None:
    path, value = step.path, step.value
    if step.operation is Operation.REMOVE:
        *above, last = path
        if isinstance(last, int):
            document.remove_item(tuple(above), last)
        else:
            document.remove_key(path)
        return
    missing = [n for n in range(1, len(path)) if document.node(path[:n]) is None]
    if step.operation is Operation.ADD:
        listed = document.get(path)
        document.insert_item(path, len(listed) if isinstance(listed, list) else 0, fragment(value))
    elif missing or isinstance(value, dict | list):
        at = missing[0] if missing else len(path)
        nested: Any = value
        for key in reversed(path[at:]):
            nested = {key: nested}
        if document.node(path[:at]) is not None:
            document.remove_key(path[:at])
        lines = [f"  {each}" for each in fragment(nested)]
        document.add_key(path[: at - 1], str(path[at - 1]), lines, block=True)
    else:
        document.set_scalar(path, value)
