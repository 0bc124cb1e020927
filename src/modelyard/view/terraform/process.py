"""Reads Terraform by tfparse and writes its blocks as JSON; a program of its own, since what fails in Go ends it.

    python -I process.py FOLDER VARIABLES

FOLDER is the root module; VARIABLES a file of variables relative to it.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

from tfparse import ParseError, load_from_path  # type: ignore[import-untyped]

_DEPTH = 8
_SECONDS = 60
_BYTES = 4 * 1024**3
_PASSED_OVER = ("__tfmeta", "depends_on", "for_each", "count", "validation", "lifecycle", "provisioner")


def main(folder: str, variables: str) -> int:
    """Write the blocks to standard output; return 1 and say why when they cannot be read."""
    _limit()
    try:
        found = load_from_path(folder, stop_on_hcl_error=True, vars_paths=[variables])
    except ParseError as fault:
        sys.stderr.write(f"{str(fault).strip().splitlines()[0]}\n")
        return 1
    blocks = [_block(type_, entry) for type_, entries in found.items() for entry in entries]
    json.dump(blocks, sys.stdout)
    return 0


def _limit() -> None:
    """Let the system end this process when it takes too much, whatever Go is busy with and whoever started it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
        resource.setrlimit(resource.RLIMIT_DATA, (_BYTES, _BYTES))


def _block(type_: str, entry: dict[str, Any]) -> dict[str, Any]:
    meta = entry["__tfmeta"]
    return {
        "mode": meta.get("type") or type_,
        "type": type_,
        "address": meta["path"],
        "file": meta["filename"],
        "first": meta["line_start"],
        "last": meta["line_end"],
        "values": _plain(entry, _DEPTH),
    }


def _plain(value: Any, depth: int) -> Any:
    """Return a value without what is not known; lines of nested blocks are kept."""
    if isinstance(value, dict):
        if "__attribute__" in value or not depth:
            return None
        plain = {key: _plain(each, depth - 1) for key, each in value.items() if key not in _PASSED_OVER}
        lines = value.get("__tfmeta")
        if isinstance(lines, dict) and "path" not in lines:
            plain["__lines__"] = [lines["line_start"], lines["line_end"]]
        return plain
    if isinstance(value, list):
        return [_plain(each, depth - 1) for each in value] if depth else None
    # What the parser could not evaluate it leaves as it is written.
    return None if isinstance(value, str) and "${" in value else value


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
