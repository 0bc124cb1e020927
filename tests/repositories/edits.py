"""Edits of a repository, as cases and faults describe them.

- `edit`: file → dotted path → value; comments and layout are kept, so that lines stay where a reader expects them.
  A path ending in `.+` appends to a list; the value `!!remove` takes a key away; `[name=vllm]` picks a list item.
- `replace`: file → old text → new text, which must occur exactly once.
- `write`: file → whole content.
- `remove`: files or folders to delete.
"""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

REMOVE = "!!remove"
_STEP = re.compile(r"\[([^\]=]+)=([^\]]*)\]|\[(\d+)\]|\"([^\"]+)\"|([^.\[\]\"]+)")


def apply_edits(root: Path, edits: dict[str, Any]) -> None:
    """Change the files below `root`.

    Raises:
        AssertionError: An edit does not apply, so that a case never tests something else than it says.
    """
    for path in edits.get("remove", ()):
        victim = root / path
        assert victim.exists(), f"{path} does not exist"
        shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
    for path, content in edits.get("write", {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    for path, replacements in edits.get("replace", {}).items():
        text = (root / path).read_text()
        for old, new in replacements.items():
            assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {path}"
            text = text.replace(old, new)
        (root / path).write_text(text)
    for path, changes in edits.get("edit", {}).items():
        _edit(root / path, changes)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _edit(path: Path, changes: dict[str, Any]) -> None:
    yaml = _yaml()
    documents = list(yaml.load_all(path.read_text()))
    for where, value in changes.items():
        number, _, dotted = where.rpartition("#")
        _set(documents[int(number or 0)], _steps(dotted), value, where)
    stream = io.StringIO()
    yaml.dump_all(documents, stream) if len(documents) > 1 else yaml.dump(documents[0], stream)
    path.write_text(stream.getvalue())


def _steps(dotted: str) -> list[Any]:
    steps: list[Any] = []
    for key, wanted, index, quoted, plain in _STEP.findall(dotted):
        steps.append((key, wanted) if key else int(index) if index else quoted or plain)
    return steps


def _set(node: Any, steps: list[Any], value: Any, where: str) -> None:
    *above, last = steps
    for step in above:
        node = _below(node, step, where)
    if last == "+":
        node.append(value)
    elif value == REMOVE:
        if isinstance(last, tuple):
            node.remove(_below(node, last, where))
        else:
            assert isinstance(last, int) or last in node, f"{where} is not there"
            del node[last]
    elif isinstance(last, tuple):
        node[node.index(_below(node, last, where))] = value
    else:
        node[last] = value


def _below(node: Any, step: Any, where: str) -> Any:
    if isinstance(step, tuple):
        key, wanted = step
        found = [item for item in node if str(item.get(key)) == wanted]
        assert found, f"{where}: no item with {key}={wanted}"
        return found[0]
    if isinstance(step, str) and step not in node:
        node[step] = {}
    return node[step]
