"""Copier's repeated work done once: see docs/adr/0490-copier-compiles-a-name-once.md.

For each file Copier renders the names of its folders and of the answers file anew, and asks Git whether it looks at
the bits of files. That was more than half of what a new repository took.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.tooling.git import git

if TYPE_CHECKING:
    from jinja2 import Environment

_NAMES = ("_render_template", "_render_string", "answers_relpath")
"""What of Copier's worker is wrapped, beside the question about bits."""


@contextlib.contextmanager
def economical() -> Iterator[None]:
    """Let Copier compile a text once per environment of Jinja, and ask Git once per folder.

    While it renders the files, names that hold nothing to render are taken as they are, and that of the answers file is
    rendered once. Of a Copier that is built otherwise nothing is changed but the compiling.
    """
    from copier import _main
    from jinja2 import Environment, Template

    compile_anew = Environment.from_string
    worker: Any = getattr(_main, "Worker", None)
    set_bit: Any = getattr(worker, "_sync_git_index_executable_bit", None)
    taken: dict[str, Any] = {name: vars(worker).get(name) for name in _NAMES} if worker else {}
    if not all(taken.values()):
        taken = {}
    looks_at_bits: dict[Path, bool] = {}

    def from_string(self: Environment, source: Any, *others: Any, **named: Any) -> Template:
        if others or named or not isinstance(source, str):
            return compile_anew(self, source, *others, **named)
        compiled: dict[str, Template] = self.__dict__.setdefault("_modelyard_compiled", {})
        if source in compiled:
            self.preprocess(source)  # what extensions do before each text, here and below: forget the last `yield`
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

    of_answers: list[tuple[Any, list[Path]]] = []  # of each worker that renders files, once it is known

    def render_template(self: Any) -> None:
        of_answers.append((self, []))
        try:
            taken["_render_template"](self)
        finally:
            of_answers.pop()

    def render_string(self: Any, string: str, extra_context: dict[str, Any] | None = None) -> str:
        if any(each is self for each, _ in of_answers) and _is_plain(self.jinja_env, string):
            return string
        rendered: str = taken["_render_string"](self, string, extra_context)
        return rendered

    def answers_relpath(self: Any) -> Path:
        known = next((paths for each, paths in of_answers if each is self), [])
        if known:
            self.jinja_env.preprocess("")
        else:
            known.append(taken["answers_relpath"].fget(self))
        return known[0]

    Environment.from_string = from_string  # type: ignore[method-assign]
    if taken:
        worker._render_template, worker._render_string = render_template, render_string
        worker.answers_relpath = property(answers_relpath)
    if set_bit is not None:
        worker._sync_git_index_executable_bit = sync
    try:
        yield
    finally:
        for name, original in taken.items():
            setattr(worker, name, original)
        Environment.from_string = compile_anew  # type: ignore[method-assign]
        if set_bit is not None:
            worker._sync_git_index_executable_bit = set_bit


def _is_plain(environment: Environment, text: str) -> bool:
    """Return whether Jinja makes of a text the text itself; what extensions do before each text is done."""
    starts = (environment.block_start_string, environment.variable_start_string, environment.comment_start_string)
    lines = (environment.line_statement_prefix, environment.line_comment_prefix)
    return (
        not any(each in text for each in (*starts, "\n", "\r"))
        and not any(lines)
        and environment.preprocess(text) == text
    )
