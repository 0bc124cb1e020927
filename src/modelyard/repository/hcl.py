"""Files of Terraform variables as plain values, within limits."""

from __future__ import annotations

from typing import Any

from modelyard.findings import At, Place, UserError
from modelyard.repository.limits import MAX_DEPTH, MAX_TERRAFORM_BYTES

_FIX = "run terraform fmt on it, which names the line"


class MalformedHCL(UserError):
    """A file is not the HCL that it should be, or is more than is read."""


def variables(path: str, text: str) -> dict[str, Any]:
    """Return the attributes of a variable file as values: text without its quotes, numbers, bools, lists and objects.

    Args:
        path: The file's name, for messages.
        text: The content.

    Raises:
        MalformedHCL: The text is not HCL, is too long, or nests too deeply.
    """
    if len(text) > MAX_TERRAFORM_BYTES:
        raise MalformedHCL(
            f"{path} has {len(text):,} characters, more than the {MAX_TERRAFORM_BYTES:,} that are read",
            fix="keep lists of that length in a file that Terraform reads by jsondecode",
            at=At(Place(path)),
        )
    import hcl2

    try:
        content: dict[str, Any] = hcl2.loads(text)
    except RecursionError:
        raise MalformedHCL(f"{path} is nested more than some {MAX_DEPTH} levels deep", at=At(Place(path))) from None
    except Exception as problem:  # the parser raises errors of its own grammar's making
        line = getattr(problem, "line", None)
        line = line if isinstance(line, int) and line > 0 else None
        first = next(iter(str(problem).splitlines()), type(problem).__name__)
        raise MalformedHCL(
            f"{path} cannot be read as Terraform variables: {first[:120]}", fix=_FIX, at=At(Place(path, line))
        ) from None
    return {str(name): _plain(value) for name, value in content.items() if not str(name).startswith("__")}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items() if not str(key).startswith("__")}
    return value
