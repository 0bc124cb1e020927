"""JSON6902 operations that stand as texts in a kustomization's `patches`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.editing.changes import Changes
from modelyard.editing.splicing import Text
from modelyard.repository.yaml import MalformedYAML, documents


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        item: Position of the patch in `patches`.
        position: Position of the operation in the patch.
        kind: Kind that the patch is for; empty where it names none.
        path: What it changes.
        value: What it sets.
    """

    item: int
    position: int
    kind: str
    path: str
    value: Any


def operations(text: Text) -> Iterator[Operation]:
    """Yield every operation that a kustomization holds inline, in order."""
    for index, each in enumerate(text.items(["patches"])):
        inline = each.get("patch") if isinstance(each, dict) else None
        if not isinstance(inline, str):
            continue
        try:
            content = documents(text.path, inline)
        except MalformedYAML:
            continue  # a check says what is wrong with it
        target = each.get("target")
        kind = str(target.get("kind", "")) if isinstance(target, dict) else ""
        for position, operation in enumerate(content[0] if content and isinstance(content[0], list) else ()):
            if isinstance(operation, dict):
                yield Operation(index, position, kind, str(operation.get("path", "")), operation.get("value"))


def edit_patch(changes: Changes, file: str, item: int, method: Callable[..., None], *arguments: Any) -> None:
    """Edit the operations of one patch, which the method finds below the key `operations`."""
    inline = str(Text(file, changes.text(file)).get(["patches", item, "patch"]))
    inner = Text(file, "operations:\n" + "\n".join(f"  {line}" for line in inline.split("\n")) + "\n")
    method(inner, *arguments)
    lines = str(inner).removeprefix("operations:\n").rstrip("\n").split("\n")
    block = "\n".join(line.removeprefix("  ") for line in lines)
    changes.edit(file, lambda text: text.set_block(["patches", item, "patch"], block))
