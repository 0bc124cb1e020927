"""No word of a file is taken for an option by a program that is started: every argument of every call is looked at."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src" / "modelyard"

LISTS = {"run": 0, "LineProcess": 0, "companion": 0, "started": 2}
"""Functions that start a program, with the position of its list of arguments."""
WORDS = {"git": 1, "output": 1, "paths": 1, "run_git": 1, "remote": 1, "_git": 1, "_git_succeeds": 1}
"""Functions that take the arguments one by one, with the position of the first."""
METHODS = {
    ("history.py", "_git"): 0,
    ("served.py", "git"): 0,
    ("terraform.py", "_started"): 0,
    ("terraform.py", "_run"): 0,
}
NAMES = frozenset(
    {"release_name", "revision_name", "git_address", "absolute", "one_of_a_list", "require", "str", "Path"}
)
"""What shows a word to be a name, or makes an absolute path."""
ENDS = frozenset({"--", "--end-of-options"})

# By file: words that are shown to be none of a file's, with the reason.
KNOWN = {
    "checking/revisions.py": {"commit": "an id that Git printed"},
    "diffing/history.py": {
        "base": "an id that Git printed",
        "head": "an id that Git printed",
        "commit": "as base",
        "words": "passed on",
    },
    "editing/promotion.py": {
        "words": "passed on, and looked at where it is called",
        "old": "shown to be a revision in the line above",
        "new": "as old",
        "name": "begins with refs/",
    },
    "repository/repository.py": {"words": "made in the lines above, with revision_name"},
    "scaffolding/carried.py": {"carried": "of the package"},
    "scaffolding/git.py": {"arguments": "passed on, and looked at where it is called"},
    "scaffolding/updating.py": {"new": "an id that Git printed", "output": "an id that Git printed"},
    "scaffolding/source.py": {"name": "shown to be a revision when it is made", "address": "shown to be an address"},
    "scaffolding/trust.py": {"name": "passed on after --"},
    "schemas/validation.py": {"files": "paths in a scratch folder", "materialised": "a path in the cache"},
    "tooling/git.py": {"arguments": "passed on, and looked at where it is called", "words": "constants above"},
    "tooling/executables.py": {"path": "a program's path", "arguments": "of pins.yaml, which is ours"},
    "tooling/installer.py": {
        "made": "a path",
        "wanted": "of pins.yaml, which is ours",
        "build_command": "of pins.yaml",
    },
    "tooling/toolchain.py": {"installer": "constants and paths", "options": "constants and paths", "scratch": "a path"},
    "tooling/background.py": {"words": "the argument itself"},
    "rehearsal/argocd.py": {"words": "a program and options that hold an address of ours"},
    "rehearsal/control_plane.py": {"words": "passed on, and looked at where it is called", "_etcd_words": "constants"},
    "rehearsal/controllers.py": {"words": "a program and options with paths of ours"},
    "rehearsal/group_operators.py": {"each": "programs and options of ours"},
    "rehearsal/served.py": {
        "arguments": "passed on",
        "revision": "shown to be a revision by the loop",
        "branch": "as revision",
    },
    "rehearsal/cloud/needs.py": {"depth": "constants of the callers", "hosts": "constants above"},
    "rehearsal/cloud/terraform.py": {
        "words": "passed on, and looked at where it is called",
        "more": "glued to its option",
    },
    "view/terraform/reading.py": {"folder": "a path in the repository, resolved", "_PROGRAM": "a path of ours"},
}


def files() -> list[Path]:
    names = [f"{name}(" for name in (*LISTS, *WORDS)]
    return [path for path in sorted(SOURCES.rglob("*.py")) if any(name in path.read_text() for name in names)]


def starting(call: ast.Call, file: Path) -> Sequence[ast.expr] | None:
    """Return the arguments of the program that a call starts; None for another call."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name, value=ast.Name(id="git")):
            pass
        case ast.Attribute(attr=name, value=ast.Name(id="self") | ast.Name(id="served")):
            if (file.name, name) not in METHODS:
                return None
            return call.args[METHODS[file.name, name] :]
        case _:
            return None
    if name in LISTS and len(call.args) > LISTS[name]:
        return [call.args[LISTS[name]]]
    return call.args[WORDS[name] :] if name in WORDS else None


def assigned(name: str, function: ast.AST) -> list[ast.expr]:
    """Return all that a function makes of a variable."""
    values: list[ast.expr] = []
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                values.append(value)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                values.append(value)
            case ast.AugAssign(target=ast.Name(id=target), value=value) if target == name:
                values.append(value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=target), attr="append"), args=[value]) if target == name:
                values.append(value)
    return values


def suspects(words: Sequence[ast.expr], function: ast.AST, known: frozenset[str]) -> Iterator[ast.expr]:
    """Yield the arguments that a program could take for an option though a file has written them."""
    for word in words:
        if isinstance(word, ast.Constant) and word.value in ENDS:
            return
        match word:
            case ast.Constant():
                continue
            case ast.JoinedStr(values=[ast.Constant(value=str() as start), *_]) if (
                not start.startswith("-") or "=" in start
            ):
                continue
            case ast.JoinedStr(values=[ast.FormattedValue(value=first), *_]):
                yield from suspects([first], function, known)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in NAMES or name in known:
                continue
            case ast.Attribute(attr="path" | "executable" | "root" | "_folder" | "DIFF" | "STATUS" | "_variables"):
                continue
            case ast.Attribute(value=ast.Name(id="sys"), attr="executable"):
                continue
            case ast.Attribute(value=ast.Name(id=name)) if name in known:
                continue
            case ast.Name(id=name) if name in known or name.isupper() or (name.startswith("_") and name[1:].isupper()):
                continue
            case ast.Name(id=name) if values := assigned(name, function):
                yield from suspects(values, function, known)
            case ast.Starred(value=value):
                yield from suspects([value], function, known)
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                yield from suspects(parts, function, known)
            case ast.ListComp(elt=part) | ast.GeneratorExp(elt=part):
                yield from suspects([part], function, known)
            case ast.IfExp(body=body, orelse=other):
                yield from suspects([body, other], function, known)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                yield from suspects([left, right], function, known)
            case ast.BinOp(op=ast.Div()):
                continue
            case _:
                yield word


def found_in(source: str, file: Path, known: frozenset[str] = frozenset()) -> list[str]:
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inner = {id(child): function for function in functions for child in ast.walk(function)}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or (words := starting(node, file)) is None:
            continue
        arguments = suspects(words, inner.get(id(node), tree), known)
        found += [f"{file.name}:{word.lineno}: {ast.unparse(word)}" for word in arguments]
    return found


@pytest.mark.parametrize("file", files(), ids=lambda path: path.relative_to(SOURCES).as_posix())
def test_every_argument_is_a_constant_a_path_or_shown_to_be_a_name(file: Path) -> None:
    source = file.read_text()
    if "tooling" not in source and "tooling" not in file.parts and "scaffolding" not in file.parts:
        return  # another function of such a name
    known = frozenset(KNOWN.get(file.relative_to(SOURCES).as_posix(), {}))
    assert not found_in(source, file, known), "put it after --, glue it to its option, or use modelyard.tooling.words"


@pytest.mark.parametrize(
    "call",
    [
        'run([helm, "template", release, archive])',
        'run(["helm", "template", *names])',
        'run(["helm", f"{release}"])',
        'git(folder, "fetch", url)',
        'git.output(root, "show", f"{name}:x")',
        'run(["helm", f"--{name}"])',
        'run(["helm", job.release])',
        "run([word for word in words])",
        'run(["helm"] + names)',
    ],
)
def test_a_word_of_a_file_is_found(call: str) -> None:
    assert found_in(f"def f(helm, release, names, url, root, name, job, words):\n    return {call}\n", Path("x.py"))


@pytest.mark.parametrize(
    "call",
    [
        'run(["helm", "--", release])',
        'run(["helm", f"--namespace={namespace}"])',
        'git(folder, "show", f"{revision_name(name)}:x")',
        'run([require("git").path, "-C", self.root])',
        'git(folder, "fetch", "--", url)',
    ],
)
def test_what_is_safe_is_left_alone(call: str) -> None:
    assert not found_in(f"def f(release, namespace, name, url):\n    return {call}\n", Path("x.py"))
