"""The Go sources and locks of `tools/`, in a checkout or in an installed wheel."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from modelyard.findings import UserError

_BUILT = frozenset({".go", ".mod", ".sum", ".json", ".yaml"})


@functools.cache
def root() -> Path:
    """Return the folder `tools/` of this installation.

    Raises:
        UserError: The installation carries no such folder.
    """
    here = Path(__file__).resolve()
    for candidate in (here.parent / "go", here.parents[3] / "tools"):
        if (candidate / "go.mod").is_file():
            return candidate
    raise UserError(
        "this installation of modelyard carries no Go modules to build tools from",
        fix="install modelyard from its Git URL, or install the tools by `mise install`",
    )


def has(folder: str) -> bool:
    """Return whether `tools/<folder>` is a Go module of this installation."""
    try:
        return (root() / folder / "go.mod").is_file()
    except UserError:
        return False


@functools.cache
def digest(folder: str) -> str:
    """Return 12 hexadecimal digits over what is built in `tools/<folder>`; `none` without sources."""
    if not has(folder):
        return "none"
    base = root() / folder
    total = hashlib.sha256()
    for path in sorted(base.rglob("*")):
        if path.suffix in _BUILT and "testdata" not in path.parts and not path.name.endswith("_test.go"):
            content = hashlib.sha256(path.read_bytes()).digest()
            total.update(path.relative_to(base).as_posix().encode() + b"\0" + content)
    return total.hexdigest()[:12]
