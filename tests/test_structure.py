"""Layers stand in one line, and modules stay small."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
MODULES = sorted(PROJECT.glob("src/modelyard/**/*.py"))


def _nodes(module: Path, *telling: str) -> Iterator[ast.AST]:
    """Yield the syntax of a module that holds one of some texts; a module without them is not worth parsing."""
    text = module.read_text()
    if any(each in text for each in telling):
        yield from ast.walk(ast.parse(text))


def test_layers_stand_in_one_line_and_no_module_is_in_a_circle() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_table_of_layers_is_in_the_order_that_the_linter_holds() -> None:
    table = re.findall(r"^\| `(\w+)` \|", (PROJECT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    contract = next(each for each in contracts if each["type"] == "layers")
    layers = [line.replace("modelyard.", "").split(" | ") for line in reversed(contract["layers"])]
    position = {name: number for number, line in enumerate(layers) for name in line}
    assert set(table) == set(position)
    assert [position[name] for name in table] == sorted(position.values())


def test_modules_are_short_enough_to_read() -> None:
    lengths = {str(module.relative_to(PROJECT)): len(module.read_text().splitlines()) for module in MODULES}
    assert {module: lines for module, lines in lengths.items() if lines > 400} == {}, "split these by concern"


def test_nothing_is_kept_by_the_identity_or_in_the_insides_of_an_object() -> None:
    assert [place for module in MODULES for place in _insides(module)] == [], "use Derivable.derived"


def _insides(module: Path) -> Iterator[str]:
    """Yield where a module keeps values by `id(…)`, in weak references, or in an object that hides its fields."""
    for node in _nodes(module, "id(", "__setattr__", "weakref", "Weak", "__dict__", "vars("):
        place = f"{module.relative_to(PROJECT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("id", "object.__setattr__", "weakref.ref"):
            yield f"{place} {ast.unparse(node.func)}"
        elif isinstance(node, ast.Name) and node.id.startswith(("WeakKey", "WeakValue", "WeakSet")):
            yield f"{place} {node.id}"
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = any(_is_inside(part) for target in targets for part in ast.walk(target))
            if named or (node.value is not None and _is_inside(node.value)):
                yield f"{place} {ast.unparse(node)[:60]}"


def _is_inside(node: ast.AST) -> bool:
    """Return whether an expression is the dictionary of an object's own attributes."""
    if isinstance(node, ast.Attribute):
        return node.attr == "__dict__"
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "vars"


def test_gaps_are_returned_and_not_put_into_a_list_that_was_given() -> None:
    assert [place for module in MODULES for place in _filled_parameters(module)] == [], "return them"


def _filled_parameters(module: Path) -> Iterator[str]:
    """Yield where a function adds to a parameter that holds gaps."""
    for function in _nodes(module, "gap", "[NotChecked]"):
        if not isinstance(function, ast.FunctionDef):
            continue
        arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        gaps = {
            each.arg
            for each in arguments
            if "gap" in each.arg or (each.annotation is not None and "[NotChecked]" in ast.unparse(each.annotation))
        }
        for node in ast.walk(function):
            target: ast.expr | None = None
            if isinstance(node, ast.Attribute) and node.attr in ("append", "extend", "insert"):
                target = node.value
            elif isinstance(node, ast.AugAssign):
                target = node.target
            if isinstance(node, ast.Attribute | ast.AugAssign) and isinstance(target, ast.Name) and target.id in gaps:
                yield f"{module.relative_to(PROJECT)}:{node.lineno} {function.name}({target.id})"


SAID_ONCE = {
    "get_close_matches": "src/modelyard/wording.py",
    "one YAML mapping": "src/modelyard/repository/yaml.py",
    "[:-1])} {": "src/modelyard/wording.py",
    "[:-1])} and": "src/modelyard/wording.py",
    "[:-1])} or": "src/modelyard/wording.py",
}
"""What has a home, and where else it stands it stands twice: near words, refusals of files, lists in sentences."""


def test_what_has_a_home_is_not_written_again() -> None:
    again = [
        f"{module.relative_to(PROJECT)}: {words}"
        for module in MODULES
        for code in ["\n".join(_code(module))]
        for words, home in SAID_ONCE.items()
        if module != PROJECT / home and words in code
    ]
    assert again == []


def _code(module: Path) -> Iterator[str]:
    """Yield the imports, the raised errors and the composed texts of a module, without its documentation."""
    for node in _nodes(module, "get_close_matches", "YAML", "[:-1]"):
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.ImportFrom):
            yield ast.unparse(node)


def test_parts_of_manifests_are_taken_by_the_functions_of_the_view() -> None:
    again = [
        f"{module.relative_to(PROJECT)}:{node.lineno} {node.name}"
        for layer in ("placement", "rules")
        for module in sorted(PROJECT.glob(f"src/modelyard/{layer}/**/*.py"))
        for node in _nodes(module, "isinstance(")
        if isinstance(node, ast.FunctionDef) and _is_look_up(node)
    ]
    assert again == [], "use mapping, listed, numbered or entries of modelyard.view"


def _is_look_up(function: ast.FunctionDef) -> bool:
    """Return whether a function returns a value where it is a mapping, and an empty one where it is not."""
    last = function.body[-1]
    if len(function.body) > 3 or not isinstance(last, ast.Return) or not isinstance(last.value, ast.IfExp):
        return False
    empty = isinstance(last.value.orelse, ast.Dict) and not last.value.orelse.keys
    return empty and isinstance(last.value.body, ast.Name) and ast.unparse(last.value.test).startswith("isinstance(")
