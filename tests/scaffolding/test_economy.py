"""Copier gives the same with its repeated work done once."""

from __future__ import annotations

import contextlib
import re
import subprocess
from pathlib import Path
from typing import Any

import copier
import pytest
from copier import _main
from jinja2 import Environment

from modelyard.scaffolding.economy import economical
from tests import repositories

# The commit of a work tree with changes is made anew for each copy.
_COMMIT = re.compile(r"(?m)^_commit: .*$|(?<=@)[0-9a-f]{40}$")

_WRAPPED = ("_sync_git_index_executable_bit", "_render_template", "_render_string", "answers_relpath")


def written(folder: Path) -> dict[str, tuple[int, str]]:
    """Return mode and text of each file."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mode, _COMMIT.sub("", path.read_text())) for path in files}


@pytest.mark.slow
def test_the_same_files_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    anew = Environment.compile

    def counted(self: Environment, source: Any, *others: Any, **named: Any) -> Any:
        compiled.append(str(source))
        return anew(self, source, *others, **named)

    monkeypatch.setattr(Environment, "compile", counted)
    repositories.make("one-model", tmp_path / "economical")
    once = len(compiled)
    monkeypatch.setattr(repositories, "economical", contextlib.nullcontext)
    repositories.make("one-model", tmp_path / "plain")
    assert written(tmp_path / "economical") == written(tmp_path / "plain")
    assert once * 3 < len(compiled) - once, "most texts come again and again"


def _insides() -> tuple[Any, ...]:
    return (Environment.from_string, *map(vars(_main.Worker).get, _WRAPPED))


def test_copier_is_itself_again_afterwards() -> None:
    before = _insides()
    with pytest.raises(RuntimeError), economical():
        assert not any(one is other for one, other in zip(_insides(), before, strict=True))
        raise RuntimeError
    assert _insides() == before


@pytest.mark.parametrize(
    "written", ["a{{ x }}b", "{% if x %}a{% endif %}", "a{# no #}b", "a{b}c", "[[ x ]]", "plain", "{{ '{%' }}"]
)
def test_a_name_is_rendered_where_there_is_something_to_render(written: str, tmp_path: Path) -> None:
    template = tmp_path / "template"
    (template / written).mkdir(parents=True)
    (template / written / "file").write_text("")
    (template / "copier.yml").write_text("x: {type: str, default: y}\n_exclude: [copier.yml]\n")
    found = []
    for manner, folder in ((contextlib.nullcontext, "as it is"), (economical, "economical")):
        with manner():
            copier.run_copy(str(template), tmp_path / folder, quiet=True, defaults=True)
        found.append(sorted(str(each.relative_to(tmp_path / folder)) for each in (tmp_path / folder).rglob("*")))
    assert found[0] == found[1] != []


def test_git_that_ignores_modes_is_told_of_a_change(tmp_path: Path) -> None:
    """Where `core.fileMode` is false, only the index can hold that a file may be run."""
    template, there = tmp_path / "template", tmp_path / "there"
    template.mkdir()
    (template / "copier.yml").write_text("_subdirectory: files\n")
    (template / "files").mkdir()
    script = template / "files/run.sh"
    script.write_text("#!/bin/sh\n")
    there.mkdir()
    git = ["git", "-C", str(there), "-c", "user.name=test", "-c", "user.email=test@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "config", "core.fileMode", "false"], check=True)
    for mode in (0o644, 0o755):
        script.chmod(mode)
        with economical():
            copier.run_copy(str(template), there, quiet=True, overwrite=True, defaults=True)
        if mode == 0o644:
            subprocess.run([*git, "add", "."], check=True)
    staged = subprocess.run([*git, "ls-files", "--stage", "run.sh"], check=True, capture_output=True, text=True).stdout
    assert staged.startswith("100755 ")
