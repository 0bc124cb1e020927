"""What a GitOps repository records of its template, in the answers file of each scope."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard.findings import At, Place, UserError
from modelyard.repository import FileAddress, Files, MalformedYAML
from modelyard.repository.yaml import ScalarNode, child, documents_of_1_1, nodes

_TEMPLATE = ("_src_path", "_commit")
_RESTORE = "restore the file as the template wrote it"


def recorded_answers(root: Path, file: str) -> dict[str, Any]:
    """Return the recorded answers, with the template's address as `_src_path` and its version as `_commit`.

    Args:
        root: Top of the repository.
        file: The answers file, from there.

    Raises:
        UserError: The file cannot be read, or does not say in text which template wrote it.
    """
    files = Files(root)
    text = files.text(file)
    try:
        root_node = next(nodes(file, text), None)
        content = next(iter(documents_of_1_1(file, text)), None)
    except MalformedYAML as fault:
        raise MalformedYAML(fault.message, at=fault.at, fix=fault.fix or _RESTORE) from None
    if root_node is None or not isinstance(content, dict) or not all(content.get(name) for name in _TEMPLATE):
        raise UserError(
            f"{file} does not say which template wrote it ({', '.join(_TEMPLATE)})", fix=_RESTORE, at=At(Place(file))
        )
    for name in _TEMPLATE:
        node = child(root_node, name)
        if isinstance(content[name], str):
            continue
        # A commit of digits alone: Copier refuses a number, and 0123456 would be another one.
        written = node.value if isinstance(node, ScalarNode) else ""
        raise UserError(
            f"YAML does not read {name} as text" + (f": {written}" if written else ""),
            fix=f"put it in quotes, {name}: '{written}', and commit" if written else _RESTORE,
            at=FileAddress(files, file, (name,)),
        )
    return content
