"""Copier's repeated work done once: see docs/adr/0490-copier-compiles-a-name-once.md.

For each file Copier compiles the names of its folders and of the answers file anew, and asks Git whether it looks at
the bits of files. That was half of what a new repository took.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelyard.tooling.git import git


@contextlib.contextmanager
def economical() -> Iterator[None]:
    """Let Copier compile a text once per environment of Jinja, and ask Git once per folder.

    Of a Copier that is built otherwise nothing is changed but the compiling.
    """
    from copier import _main
    from jinja2 import Environment, Template

    compile_anew = Environment.from_string
    worker: Any = getattr(_main, "Worker", None)
    set_bit: Any = getattr(worker, "_sync_git_index_executable_bit", None)
    looks_at_bits: dict[Path, bool] = {}

    def from_string(self: Environment, source: Any, *others: Any, **named: Any) -> Template:
        if others or named or not isinstance(source, str):
            return compile_anew(self, source, *others, **named)
        compiled: dict[str, Template] = self.__dict__.setdefault("_modelyard_compiled", {})
        if source in compiled:
            self.preprocess(source)  # what extensions do before each text: Copier's own forgets the last `yield`
        else:
            compiled[source] = compile_anew(self, source)
        return compiled[source]

    def sync(self: Any, path: Path, mode: int) -> None:
        folder = self.subproject.local_abspath
        if folder not in looks_at_bits:
            said = git(folder, "config", "--type=bool", "--get", "core.fileMode")
            looks_at_bits[folder] = said.stdout.strip() != b"false"
        if not looks_at_bits[folder]:
            set_bit(self, path, mode)

    Environment.from_string = from_string  # type: ignore[method-assign]
    if set_bit is not None:
        worker._sync_git_index_executable_bit = sync
    try:
        yield
    finally:
        Environment.from_string = compile_anew  # type: ignore[method-assign]
        if set_bit is not None:
            worker._sync_git_index_executable_bit = set_bit
