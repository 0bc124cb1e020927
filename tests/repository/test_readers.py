"""Every text of other people goes through the readers that have limits."""

from __future__ import annotations

import ast
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.findings import UserError
from modelyard.repository import Files, hcl, json, limits, toml, yaml

SOURCES = Path(__file__).parents[2] / "src" / "modelyard"

PARSERS = {
    "yaml": {"load", "load_all", "safe_load", "safe_load_all", "compose", "compose_all", "parse", "scan", "full_load"},
    "pyyaml": {"load", "load_all", "safe_load", "safe_load_all", "compose", "compose_all", "parse", "scan"},
    "orjson": {"loads"},
    "json": {"load", "loads"},
    "tomllib": {"load", "loads"},
    "hcl2": {"load", "loads", "parse", "parses"},
    "ast": {"literal_eval", "parse"},
}
DIRECT = {"load_from_path", "literal_eval", "unsafe_load"}
"""Parsers that are imported by name."""

READERS = {f"repository/{name}.py" for name in ("yaml", "json", "toml", "hcl", "literals")}

OUR_OWN = {
    "catalog/instances.py": "data of the package",
    "catalog/loading.py": "data of the package",
    "htmlreport/libraries.py": "data of the package",
    "planning/speed.py": "data of the package",
    "scaffolding/carried.py": "data of the package",
    "costing/prices.py": "data of the package",
    "rules/security/unknown_api_resource/rule.py": "data of the package",
    "schemas/bundle.py": "data of the package, and definitions that went through the reader",
    "sizing/calibration.py": "data of the package",
    "tooling/pins.py": "data of the package",
    "view/scopes.py": "data of the package",
    "scaffolding/source.py": "what pip recorded of the package",
    "checking/kept_findings.py": "the user's cache",
    "rendering/cache.py": "the user's cache",
    "schemas/custom.py": "the user's cache, of what went through the reader",
    "tooling/executables.py": "the user's cache",
    "fetching/transport.py": "the user's cache",
    "rendering/library.py": "answers of the renderer, which is a process of ours",
    "schemas/validation.py": "answers of kubeconform, which is a process of ours",
    "view/terraform/reading.py": "answers of the reader below, and the user's cache",
    "view/terraform/process.py": "a process of its own, which is ended at its limits of time and memory",
    "sizing/served.py": "what the line before wrote",
    "checking/charts.py": "the user's cache",
    "repository/trust.py": "what the user said",
    "scaffolding/trust.py": "what the user said",
    "repository/journal.py": "a journal of ours, which lies where no clone can bring one",
}
"""What reads without limits, and whose text it is. The rehearsal reads only what its own processes wrote."""


_HINT = re.compile(rf"\b(?:{'|'.join([*PARSERS, *DIRECT, 'YAML'])})\b")


def _calls(module: Path) -> Iterator[str]:
    text = module.read_text()
    for node in ast.walk(ast.parse(text)) if _HINT.search(text) else ():
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            if called.attr in PARSERS.get(called.value.id, ()):
                yield f"{called.value.id}.{called.attr}"
        elif isinstance(called, ast.Name) and called.id in DIRECT:
            yield called.id
        if isinstance(called, ast.Attribute) and called.attr == "load" and "YAML(" in ast.unparse(called.value):
            yield "ruamel.yaml"


def test_nothing_passes_the_readers_by() -> None:
    found = {
        str(path.relative_to(SOURCES)): sorted(set(calls))
        for path in sorted(SOURCES.rglob("*.py"))
        if (calls := list(_calls(path)))
    }
    passing = {name: calls for name, calls in found.items() if name not in READERS | OUR_OWN.keys()}
    assert {name: calls for name, calls in passing.items() if not name.startswith("rehearsal/")} == {}
    assert [name for name in OUR_OWN if name not in found] == [], "they read nothing any more"


def test_what_passes_by_is_seen(tmp_path: Path) -> None:
    module = tmp_path / "x.py"
    module.write_text("import yaml\nyaml.safe_load('a')\nYAML().load('a')\nload_from_path('a')\n")
    assert list(_calls(module)) == ["yaml.safe_load", "ruamel.yaml", "load_from_path"]


OPENED = {
    "catalog/instances.py": "data of the package",
    "catalog/loading.py": "data of the package",
    "cli/explain.py": "data of the package",
    "costing/prices.py": "data of the package",
    "htmlreport/document.py": "data of the package",
    "htmlreport/libraries.py": "data of the package",
    "planning/speed.py": "data of the package",
    "reporting/sarif.py": "data of the package",
    "rules/security/unknown_api_resource/rule.py": "data of the package",
    "schemas/bundle.py": "data of the package, and definitions that went through the reader",
    "scaffolding/carried.py": "data of the package",
    "scaffolding/source.py": "what pip recorded of the package",
    "sizing/calibration.py": "data of the package",
    "tooling/pins.py": "data of the package",
    "tooling/sources.py": "data of the package",
    "view/scopes.py": "data of the package",
    "view/terraform/reading.py": "the module of its own process, and the user's cache",
    "checking/charts.py": "the user's cache",
    "checking/local_charts.py": "opens for writing",
    "fetching/fetch.py": "what was just fetched into the user's cache, within limits",
    "fetching/transport.py": "the user's cache",
    "tooling/blobs.py": "the user's cache",
    "schemas/custom.py": "the user's cache",
    "tooling/executables.py": "the user's cache",
    "repository/locks.py": "the user's cache",
    "tooling/background.py": "logs and /proc of processes of ours",
    "tooling/files.py": "opens for writing, and what it is to take away",
    "cli/boundary.py": "opens for writing",
    "repository/trust.py": "what the user said",
    "scaffolding/trust.py": "what the user said",
    "repository/journal.py": "a journal of ours, and files that an edit just read through the reader",
    "repository/limits.py": "the reader",
    "scaffolding/conflicts.py": "ordinary files that a merge of ours just wrote",
    "scaffolding/updating.py": "ordinary files that a merge of ours just wrote",
    "view/terraform/process.py": "what the system says of the process itself",
}
"""What opens files by itself, and whose they are: whatever else there is comes through `repository.limits`."""


_READING = ("read", "buffer", "readline", "readlines")


def _openings(module: Path) -> Iterator[str]:
    text = module.read_text()
    for node in ast.walk(ast.parse(text)) if re.search(r"read_(?:text|bytes)|open\(|stdin", text) else ():
        if isinstance(node, ast.Attribute) and node.attr in ("read_text", "read_bytes"):
            yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("open", "os.open", "io.open", "Path.open"):
            yield "open"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "open":
            arguments = [each.value for each in node.args if isinstance(each, ast.Constant)]
            if {"r", "rb", "w", "wb", "a", "ab", "a+b"} & set(arguments) or any(each.arg for each in node.keywords):
                yield "open"
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "sys.stdin" and node.attr in _READING:
            yield "stdin"


def test_nothing_opens_a_file_of_other_people_by_itself() -> None:
    found = {
        name: sorted(set(opened))
        for path in sorted(SOURCES.rglob("*.py"))
        if not (name := str(path.relative_to(SOURCES))).startswith("rehearsal/") and (opened := list(_openings(path)))
    }
    assert {name: opened for name, opened in found.items() if name not in OPENED} == {}
    assert [name for name in OPENED if name not in found] == [], "they open nothing any more"


def test_such_an_opening_is_seen(tmp_path: Path) -> None:
    module = tmp_path / "x.py"
    module.write_text("path.read_text()\nopen(path)\npath.open('rb')\nsys.stdin.read(5)\nwebbrowser.open(url)\n")
    assert sorted(_openings(module)) == ["open", "open", "read_text", "stdin"]


def _merges(levels: int) -> str:
    text = "a0: &a0 {k0: v, k1: v, k2: v}\n"
    for level in range(1, levels):
        text += f"a{level}: &a{level}\n  <<: [{', '.join([f'*a{level - 1}'] * 8)}]\n"
    return text


MERGES = _merges(12)
ALIASES = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 50))
ITSELF = "a: &a\n  b: [1, *a]\n"


@pytest.mark.parametrize(
    "reader", [yaml.documents, yaml.documents_of_1_1, lambda path, text: list(yaml.nodes(path, text))]
)
@pytest.mark.parametrize(
    ("text", "words", "line"),
    [(MERGES, "stand for more than", 11), (ALIASES, "stand for more than", 16), (ITSELF, "a part of", 2)],
    ids=["merges", "aliases", "itself"],
)
def test_aliases_are_counted_before_they_are_written_out(reader: object, text: str, words: str, line: int) -> None:
    with pytest.raises(yaml.MalformedYAML, match=words) as refused:
        reader("x.yaml", text)  # type: ignore[operator]
    assert refused.value.at is not None
    assert (refused.value.at.place().file, refused.value.at.place().line) == ("x.yaml", line)


def test_merges_within_the_limit_are_read() -> None:
    assert yaml.documents("x.yaml", _merges(4))[0]["a3"] == {"k0": "v", "k1": "v", "k2": "v"}


def test_a_chart_that_renders_to_a_bomb_is_refused() -> None:
    with pytest.raises(yaml.MalformedYAML, match="chart x"):
        yaml.rendered(MERGES.encode(), "chart x")
    with pytest.raises(yaml.MalformedYAML, match="nested"):
        yaml.rendered(b"[" * 100_000)


@pytest.mark.parametrize("text", ["-  " * 100_000, "?\t" * 100_000, ": - " * 50_000], ids=["spaces", "tabs", "colons"])
def test_deep_blocks_are_refused_however_they_are_spaced(text: str) -> None:
    with pytest.raises(yaml.MalformedYAML):
        yaml.documents("x.yaml", text)


def test_values_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(yaml.MalformedYAML, match="holds more than 1,000 values") as refused:
        yaml.documents("x.yaml", "- a\n" * 1001, values=1000)
    assert refused.value.at is not None
    assert refused.value.at.place().line == 1000
    assert len(yaml.documents("x.yaml", "- a\n" * 999, values=1000)[0]) == 999


@pytest.mark.parametrize(
    "value", ["!!timestamp x", "!!bool x", "!!int ''", "!!binary é", "!!float x", "{[a]: b}", "!!omap x"]
)
def test_a_value_that_its_tag_does_not_allow_is_malformed(value: str) -> None:
    with pytest.raises(yaml.MalformedYAML):
        yaml.documents("x.yaml", f"a: {value}\n")


@pytest.mark.parametrize("text", ["[" * 201 + "]" * 201, '{"a":' * 201 + "1" + "}" * 201], ids=["lists", "mappings"])
def test_deep_json_is_refused(text: str) -> None:
    with pytest.raises(json.MalformedJSON, match="nested"):
        json.parsed(text, "x.json")


def test_brackets_in_text_are_no_depth() -> None:
    assert json.parsed('["' + "[" * 500 + '\\"{"]') == ["[" * 500 + '"{']


def test_json_is_limited_and_its_place_is_told() -> None:
    with pytest.raises(json.MalformedJSON, match="more than 10 values"):
        json.parsed("[" + "1," * 30 + "1]", values=10)
    with pytest.raises(json.MalformedJSON, match="bytes"):
        json.parsed("[1, 2]", most=5)
    with pytest.raises(json.MalformedJSON) as refused:
        json.parsed('{\n"a": x}', "x.json")
    assert refused.value.at is not None
    assert str(refused.value.at.place()).startswith("x.json:2:")
    with pytest.raises(json.MalformedJSON):
        json.parsed("\ud800")


@pytest.mark.parametrize("text", ["a = [", "x" * 300_000, "a = " + "[" * 3000 + "]" * 3000, "a =\n\x00"])
def test_variables_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(hcl.MalformedHCL, match=r"dev/terraform\.tfvars"):
        hcl.variables("dev/terraform.tfvars", text)


@pytest.mark.parametrize("text", ["a = [", "a = " + "[" * 3000, "#" * 2_000_000])
def test_toml_is_limited(text: str) -> None:
    with pytest.raises(toml.MalformedTOML):
        toml.parsed(text)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path("/dev/zero"), tmp_path / "none", Path("a\0b")):
        with pytest.raises(limits.UnreadableFile):
            limits.content_of(path, pipes=True)


def test_a_pipe_of_the_shell_is_read_up_to_the_limit() -> None:
    for most, fits in ((3, True), (2, False)):
        reading, writing = os.pipe()
        os.write(writing, b"abc")
        os.close(writing)
        try:
            if fits:
                assert limits.content_of(Path(f"/dev/fd/{reading}"), most=most, pipes=True) == b"abc"
            else:
                with pytest.raises(UserError, match="more than"):
                    limits.content_of(Path(f"/dev/fd/{reading}"), most=most, pipes=True)
        finally:
            os.close(reading)


def test_a_pipe_in_a_repository_is_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.yaml")
    (tmp_path / "link.yaml").symlink_to("x.yaml")
    (tmp_path / "y.yaml").write_text("a: 1\n")
    files = Files(tmp_path)
    assert files.below(("yaml",)) == ["y.yaml"]
    assert not files.is_file("x.yaml")
    for path in ("x.yaml", "link.yaml"):
        with pytest.raises(limits.UnreadableFile, match="no ordinary file"):
            files.read(path)


@pytest.mark.parametrize(
    ("piped", "told"),
    [(b"kind: x\n" + b"#" * 100, "more than the"), (b"\xff", "is not UTF-8 text"), (b"kind: x\n", "")],
)
def test_standard_input_is_whole_or_refused(piped: bytes, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped)))
    if told:
        with pytest.raises(UserError, match=told):
            limits.standard_input(most=50)
    else:
        assert limits.standard_input(most=50).encode() == piped
