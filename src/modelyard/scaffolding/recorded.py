"""What a GitOps repository records of its template, in the answers file of each scope."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from modelyard.findings import At, Place, Refusal
from modelyard.repository import FileAddress, Files
from modelyard.repository.yaml import child, nodes

_TEMPLATE = ("_src_path", "_commit")
_RESTORE = "restore the file as the template wrote it"


def recorded_answers(root: Path, file: str) -> dict[str, Any]:
    """Return the recorded answers, with the template's address as `_src_path` and its version as `_commit`.

    Args:
        root: Top of the repository.
        file: The answers file, from there.

    Raises:
        Refusal: The file cannot be read, or does not say in text which template wrote it.
    """
    files = Files(root)
    text = files.text(file)
    root_node = next(nodes(file, text), None)
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as fault:
        raise Refusal(f"{file} is not valid YAML: {fault}", at=At(Place(file)), fix=_RESTORE) from None
    if root_node is None or not isinstance(content, dict) or not all(content.get(name) for name in _TEMPLATE):
        raise Refusal(
            f"{file} does not say which template wrote it ({', '.join(_TEMPLATE)})", fix=_RESTORE, at=At(Place(file))
        )
    for name in _TEMPLATE:
        node = child(root_node, name)
        if isinstance(content[name], str):
            continue
        # A commit of digits alone: Copier refuses a number, and 0123456 would be another one.
        written = node.value if isinstance(node, yaml.ScalarNode) else ""
        raise Refusal(
            f"YAML does not read {name} as text" + (f": {written}" if written else ""),
            fix=f"put it in quotes, {name}: '{written}', and commit" if written else _RESTORE,
            at=FileAddress(files, file, (name,)),
        )
    return content
