"""Copier's repeated work done once: see docs/adr/0490-copier-compiles-a-name-once.md.

For each file Copier renders the names of its folders and of the answers file anew, and asks Git whether it looks at
the bits of files. That was more than half of what a new repository took. Questions it reads by the slow one of PyYAML's
readers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from modelyard.tooling.git import git

if TYPE_CHECKING:
    from jinja2 import Environment

_NAMES = ("_render_template", "_render_string", "answers_relpath")
"""What of Copier's worker is wrapped, beside the question about bits."""


class _QuickYAML:
    """PyYAML as Copier knows it, which reads by libyaml where that is built in."""

    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    def __getattr__(self, name: str) -> Any:
        return getattr(yaml, name)

    def safe_load(self, stream: Any) -> Any:
        """Return the value of a document; what is wrong with it is said in the words that Copier's users know."""
        if not isinstance(stream, str):
            return yaml.safe_load(stream)
        try:
            return yaml.load(stream, self.SafeLoader)  # noqa: S506 - it is a safe one
        except yaml.YAMLError:
            return yaml.safe_load(stream)


@contextlib.contextmanager
def economical() -> Iterator[None]:
    """Let Copier compile a text once per environment of Jinja, ask Git once per folder, and read questions quickly.

    While it renders the files, names that hold nothing to render are taken as they are, and that of the answers file is
    rendered once. Of a Copier that is built otherwise nothing is changed but the compiling.
    """
    from copier import _main, _template, _user_data
    from jinja2 import Environment, Template

    compile_anew = Environment.from_string
    worker: Any = getattr(_main, "Worker", None)
    set_bit: Any = getattr(worker, "_sync_git_index_executable_bit", None)
    taken: dict[str, Any] = {name: vars(worker).get(name) for name in _NAMES} if worker else {}
    readers: list[Any] = [each for each in (_template, _user_data) if getattr(each, "yaml", None) is yaml]
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
    if all(taken.values()):
        worker._render_template, worker._render_string = render_template, render_string
        worker.answers_relpath = property(answers_relpath)
    if set_bit is not None:
        worker._sync_git_index_executable_bit = sync
    for each in readers:
        each.yaml = _QuickYAML()
    try:
        yield
    finally:
        for each in readers:
            each.yaml = yaml
        for name, original in taken.items() if all(taken.values()) else ():
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
