"""YAML is read as Kubernetes reads it, and refused where Kubernetes would misunderstand it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from modelyard.repository.yaml import MalformedYAML, Node, documents, nodes, pieces, plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12:30:45", "12:30:45"),
        ("on", "on"),
        ("no", "no"),
        ("2026-11-21", "2026-11-21"),
        ("0444", 0o444),
        ("0o444", 0o444),
        ("1e3", 1000.0),
        ("True", True),
        ("~", None),
        ("'1'", "1"),
        ("1_000", 1000),
        ("v0.33.0", "v0.33.0"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    assert documents("x.yaml", f"key: {text}\n") == [{"key": value}]


def test_merge_keys_and_aliases_are_followed() -> None:
    assert documents("x.yaml", "a: &a {b: 1}\nc: {<<: *a, d: 2}\n") == [{"a": {"b": 1}, "c": {"b": 1, "d": 2}}]


def test_duplicate_key_names_both_lines() -> None:
    with pytest.raises(MalformedYAML) as refused:
        documents("x.yaml", "a: 1\nb:\n  c: 1\n  c: 2\n")
    assert "'c' stands twice (first on line 3)" in refused.value.message
    assert refused.value.at is not None
    assert str(refused.value.at.place()) == "x.yaml:4:3"


def test_broken_yaml_names_its_place() -> None:
    with pytest.raises(MalformedYAML) as refused:
        documents("x.yaml", "a: [1, 2\nb: 3\n")
    assert refused.value.at is not None
    assert refused.value.at.place().line == 2


def test_alias_bomb_is_refused_before_it_grows() -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 20)}]" for n in range(1, 12))
    with pytest.raises(MalformedYAML, match="aliases"):
        documents("x.yaml", f"l0: &l0 [x, x]\n{levels}\n")


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000], ids=["flow", "block", "mapping"])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(MalformedYAML):
        documents("x.yaml", text)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n---\nb: 2\n",
        "# first\n---\na: |\n  ---\n  x\n--- # second\nb: [1,\n  2]\n---\n---\nc: 3",
        "---\r\na: 1\r\n---\r\nb:\r\n  c: 2\r\n",
        "%YAML 1.1\n---\na: 1\n...\n%YAML 1.1\n---\nb: 2\n",
        "a: 'x\n\n  y'\n--- {b: 2}\n",
        "a: \u2028 b\n---\nc: d\n",
    ],
)
def test_documents_by_themselves_stand_where_they_stood(text: str) -> None:
    def marked(roots: Iterable[Node]) -> list[tuple[object, int, int]]:
        return [(plain(each), each.start_mark.line, each.start_mark.column) for each in roots if plain(each)]

    apart = [root for piece in pieces(text) for root in nodes("a.yaml", piece)]
    assert marked(apart) == marked(nodes("a.yaml", text))
