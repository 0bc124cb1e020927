"""Reads Terraform by tfparse and writes its blocks as JSON; a program of its own, since what fails in Go ends it.

    python -I process.py ROOT FOLDER VARIABLES

ROOT is the repository, FOLDER the root module; VARIABLES a file of variables relative to it. Where the kernel has
Landlock (Linux 5.13), this process can open nothing outside of ROOT and of Python's own folders, whatever functions of
Terraform such as `fileset` ask for, and connect to nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

_DEPTH = 8
_SECONDS = 60
_BYTES = 4 * 1024**3
# Landlock of Linux: https://docs.kernel.org/userspace-api/landlock.html; the numbers are those of every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_BENEATH_A_PATH = 1
_FILE_RIGHTS = (1 << 13) - 1
"""The rights of Landlock's first version: execute, read, write, make and remove."""
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_TCP_RIGHTS = 0b11
_TCP_SINCE = 4
_NO_NEW_PRIVILEGES = 38

_PASSED_OVER = ("__tfmeta", "depends_on", "for_each", "count", "validation", "lifecycle", "provisioner")


def main(root: str, folder: str, variables: str) -> int:
    """Write the blocks to standard output; return 1 and say why when they cannot be read."""
    _limit()
    # Before the import: Landlock holds the thread that asks and those that it starts, and loading starts those of Go.
    _confine({root, *sys.path, *_folders_of_libraries()})
    from tfparse import ParseError, load_from_path  # type: ignore[import-untyped]

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


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def _folders_of_libraries() -> set[str]:
    """Return where the libraries lie that this process has loaded; those that it is going to load lie there too."""
    mapped = Path("/proc/self/maps")
    lines = mapped.read_text().splitlines() if mapped.is_file() else ()
    return {str(Path(line[line.index("/") :]).parent) for line in lines if "/" in line and ".so" in line}


def _confine(readable: set[str]) -> None:
    """Let this process read below the folders given only; nothing changes where the kernel has no Landlock.

    Raises:
        OSError: The kernel has Landlock, and refused.
    """
    if not sys.platform.startswith("linux"):
        return
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    version = syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    if version < 1:
        return
    rights = _Ruleset(_FILE_RIGHTS, _TCP_RIGHTS if version >= _TCP_SINCE else 0)
    # Kernels before the fourth version know the first field only.
    size = ctypes.sizeof(rights) if version >= _TCP_SINCE else ctypes.sizeof(ctypes.c_uint64)
    ruleset = _done(syscall(_CREATE_RULESET, ctypes.byref(rights), ctypes.c_size_t(size), ctypes.c_uint32(0)))
    for path in filter(os.path.isdir, readable):
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        beneath = _Beneath(_READ_FILE | _READ_FOLDER, folder)
        _done(syscall(_ADD_RULE, ruleset, _BENEATH_A_PATH, ctypes.byref(beneath), ctypes.c_uint32(0)))
        os.close(folder)
    _done(ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _done(syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)))
    os.close(ruleset)


def _done(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result


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
