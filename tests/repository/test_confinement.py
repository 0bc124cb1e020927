"""Names of files are joined by the one function that confines them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from modelyard.tooling.confinement import Unconfined, confined, confined_target

SOURCES = Path(__file__).parents[2] / "src" / "modelyard"

# Modules that read what outlasts a process, with the variables that they may join, each with the reason.
STATE = {
    "repository/journal.py": {
        "number": "counted here",
        "new": "matched against the form of staged names when it is read",
    },
    "repository/locks.py": {"digest": "matched against the form of digests when it is read"},
    "repository/own_folders.py": {},
    "repository/trust.py": {},
    "scaffolding/trust.py": {},
    "rendering/cache.py": {"key": "a digest that is worked out here"},
}


def joins(source: str, known: dict[str, str]) -> list[str]:
    """Return the joins of a folder with what is neither constant nor known."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            names = {each.id for each in ast.walk(node.right) if isinstance(each, ast.Name)}
            plain = {"SCRATCH", "secrets", "name", "suffix"} if isinstance(node.right, ast.JoinedStr) else set()
            constants = {name for name in names if name.lstrip("_").isupper()}
            if names - plain - constants - known.keys():
                found.append(ast.unparse(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "joinpath":
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("file", STATE)
def test_no_join_passes_by_the_function_that_confines(file: str) -> None:
    assert not joins((SOURCES / file).read_text(), STATE[file])


def test_such_a_join_is_found() -> None:
    assert joins("target = root / path", {}) and joins("root.joinpath(path)", {})
    assert not joins("target = confined(root, path); folder = root / 'edits'", {})


@pytest.mark.parametrize(
    "name", ["", "/etc/x", "../x", "a/../../x", "out/x", ".git/x", "a/.GIT/x", "a\0b", None, 1, ["a"], ".", "loop/x"]
)
def test_what_leads_out_is_refused(tmp_path: Path, name: object) -> None:
    root = tmp_path / "r"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to("loop")
    with pytest.raises(Unconfined):
        confined(root, name)


def test_what_lies_inside_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "out").symlink_to("/etc")
    assert confined(tmp_path, "link/new/file") == tmp_path.resolve() / "a/new/file"
    assert confined(tmp_path, "out") == tmp_path.resolve() / "out", "the link itself can be removed"
    with pytest.raises(Unconfined):
        confined_target(tmp_path, "out")
