"""Rebuild the record of what the environment variables of vLLM take: numbers, and choices.

Usage: python scripts/catalog_vllm_variables.py [--check] [VERSION ...]

A variable is listed where vllm/envs.py makes a number of its whole value or holds it against choices; of any other one
nothing is said. The wheels are read as scripts/catalog_vllm.py reads them.
"""

from __future__ import annotations

import argparse
import ast
import json
from pathlib import Path
from zipfile import ZipFile

from catalog_vllm import VERSIONS, wheel

TARGET = Path(__file__).resolve().parent.parent / "src/modelyard/catalog/data/engines/vllm-variables.json"
_NUMBERS = ("int", "float")
Taken = str | list[str]


def variables(opened: ZipFile) -> dict[str, Taken]:
    """Return what each variable takes: `int`, `float`, or its choices."""
    tree = ast.parse(opened.read("vllm/envs.py"))
    found: dict[str, Taken] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.value, ast.Dict):
            continue
        if ast.unparse(node.target) != "environment_variables":
            continue
        for key, made in zip(node.value.keys, node.value.values, strict=True):
            taken = _taken(made)
            if isinstance(key, ast.Constant) and taken:
                found[str(key.value)] = taken
    if not found:
        raise SystemExit("vllm/envs.py has no table of environment variables any more")
    return dict(sorted(found.items()))


def _taken(made: ast.expr | None) -> Taken | None:
    if isinstance(made, ast.Lambda):
        return _number(made.body)
    if isinstance(made, ast.Call) and isinstance(made.func, ast.Name) and made.func.id == "env_with_choices":
        choices = made.args[2] if len(made.args) > 2 else None
        exact = not any(each.arg == "case_sensitive" for each in made.keywords) and len(made.args) < 4
        if exact and isinstance(choices, ast.List) and all(isinstance(each, ast.Constant) for each in choices.elts):
            return [str(each.value) for each in choices.elts if isinstance(each, ast.Constant)]
    return None


def _number(body: ast.expr) -> str | None:
    """Return the kind of number that an expression makes of the text of a variable, None where it makes none."""
    if isinstance(body, ast.IfExp):
        found = {_number(branch) for branch in (body.body, body.orelse) if not isinstance(branch, ast.Constant)}
        return found.pop() if len(found) == 1 else None
    if not (isinstance(body, ast.Call) and isinstance(body.func, ast.Name) and len(body.args) == 1):
        return None
    inner = body.args[0]
    if body.func.id == "bool":
        return _number(inner)
    return body.func.id if body.func.id in _NUMBERS and _reads(inner) else None


def _reads(node: ast.expr) -> bool:
    """Return whether an expression is the text of a variable, as it is: `os.getenv(...)` or `os.environ[...]`."""
    if isinstance(node, ast.Subscript):
        return ast.unparse(node.value) == "os.environ"
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.getenv", "os.environ.get")


def main() -> int:
    """Write or check the file; return 1 when it is not current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, return 1 when it is not current")
    parser.add_argument("versions", nargs="*", default=list(VERSIONS))
    options = parser.parse_args()
    found: dict[str, dict[str, Taken]] = {}
    for version in options.versions:
        with wheel(version, None) as opened:
            found[version] = variables(opened)
    text = json.dumps({"source": "wheels of vllm: vllm/envs.py", "versions": found}, indent=1) + "\n"
    if options.check:
        current = TARGET.read_text() == text
        print(f"{TARGET.name} is {'current' if current else 'not current'}")
        return int(not current)
    TARGET.write_text(text)
    print(f"{TARGET.name}: {sum(len(each) for each in found.values())} variables")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
