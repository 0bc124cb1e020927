"""Edits of YAML text: what is meant changes, every other byte stays."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
import yaml

from modelyard.editing.splicing import Text, edited, fragment, scalar
from modelyard.findings import UserError

KUSTOMIZATION = """\
# The model of the support desk.
kind:   Kustomization   # aligned by hand
resources:
  # The overlay.
  - ../overlay
components:
    - ../features/hf-token # gated
    # Headed by a comment.
    - ../versions # last
patches:
  # Flags.
  - target: {kind: Deployment}
    patch: |-
      - {op: add, path: /a/-, value: --max-model-len=4096}

  # The name of this model.
  - target: {name: "serving|serving-settings"}
    patch: |-
      - {op: replace, path: /metadata/name, value: chat}
# Labels.
labels:
  - pairs: {app.kubernetes.io/instance: chat}
images: [{name: a, newTag: "1.30"}, {name: b}]
revision: "main"
empty: []
nothing:
"""


def change(text: str, method: str, *arguments: Any, **named: Any) -> tuple[str, list[str], list[str]]:
    """Return a text after an edit, with the lines that went and came."""
    after = edited("file.yaml", text, lambda document: getattr(document, method)(*arguments, **named))
    lines = list(difflib.ndiff(text.splitlines(), after.splitlines()))
    gone = [line[2:] for line in lines if line.startswith("- ")]
    come = [line[2:] for line in lines if line.startswith("+ ")]
    return after, gone, come


def test_an_item_comes_before_the_one_that_is_named_and_its_comment() -> None:
    _, gone, come = change(KUSTOMIZATION, "insert_item", ["components"], 1, ["../features/spot"])
    assert (gone, come) == ([], ["    - ../features/spot"])
    after, _, _ = change(KUSTOMIZATION, "insert_item", ["components"], 1, ["../features/spot"])
    assert after.index("features/spot") < after.index("# Headed by a comment")


def test_an_item_comes_last_in_its_list() -> None:
    after, gone, come = change(KUSTOMIZATION, "insert_item", ["resources"], 9, ["../more"])
    assert (gone, come) == ([], ["  - ../more"])
    assert after.splitlines().index("  - ../more") == after.splitlines().index("components:") - 1


def test_a_heading_at_the_end_of_a_list_heads_what_is_added() -> None:
    text = "resources:\n  - a\n  # Models.\npatches: []\n"
    assert change(text, "insert_item", ["resources"], 1, ["b"])[0] == text.replace("# Models.\n", "# Models.\n  - b\n")


def test_an_item_of_several_lines_keeps_its_comment_above_the_dash() -> None:
    lines = ["# Why.", "target: {kind: Deployment}", "patch: |-", "  - {op: remove, path: /b}"]
    after, gone, come = change(KUSTOMIZATION, "insert_item", ["patches"], 1, lines)
    assert gone == []
    assert come == [
        "  # Why.",
        "  - target: {kind: Deployment}",
        "    patch: |-",
        "      - {op: remove, path: /b}",
    ]
    assert yaml.safe_load(after)["patches"][1]["patch"] == "- {op: remove, path: /b}"


@pytest.mark.parametrize("key", ["empty", "nothing", "absent"])
def test_a_list_is_made_where_there_is_none(key: str) -> None:
    after, _, come = change(KUSTOMIZATION, "insert_item", [key], 0, ["x"])
    assert yaml.safe_load(after)[key] == ["x"]
    assert come[-1] == "  - x"


def test_a_list_in_brackets_is_unfolded_first() -> None:
    after, _, _ = change(KUSTOMIZATION, "insert_item", ["images"], 2, ["name: c"])
    assert yaml.safe_load(after)["images"] == [{"name": "a", "newTag": "1.30"}, {"name": "b"}, {"name": "c"}]


def test_an_item_goes_with_its_line_and_the_comments_of_others_stay() -> None:
    _, gone, come = change(KUSTOMIZATION, "remove_item", ["components"], 0)
    assert (gone, come) == (["    - ../features/hf-token # gated"], [])
    _, gone, _ = change(KUSTOMIZATION, "remove_item", ["components"], 1)
    assert gone == ["    - ../versions # last"]


def test_an_item_may_take_its_comment_along() -> None:
    after, gone, _ = change(KUSTOMIZATION, "remove_item", ["patches"], 0, with_comment=True)
    assert gone[0] == "  # Flags." and "max-model-len" in gone[-1]
    assert "# The name of this model." in after


def test_the_last_item_takes_the_key_along() -> None:
    after, gone, _ = change(KUSTOMIZATION, "remove_item", ["labels"], 0)
    assert gone == ["labels:", "  - pairs: {app.kubernetes.io/instance: chat}"]
    assert "# Labels." in after


def test_a_value_keeps_its_quotes_and_its_comment() -> None:
    assert change(KUSTOMIZATION, "set_scalar", ["revision"], "v2")[2] == ['revision: "v2"']
    assert change(KUSTOMIZATION, "set_scalar", ["kind"], "Component")[2] == ["kind:   Component   # aligned by hand"]
    assert change(KUSTOMIZATION, "set_scalar", ["images", 0, "newTag"], "1.31")[2] == [
        'images: [{name: a, newTag: "1.31"}, {name: b}]'
    ]
    assert change(KUSTOMIZATION, "set_scalar", ["nothing"], "here")[2] == ["nothing: here"]
    assert change(KUSTOMIZATION, "set_scalar", ["new"], "a: b")[2] == ['new: "a: b"']


def test_what_is_there_already_changes_nothing() -> None:
    assert change(KUSTOMIZATION, "set_scalar", ["revision"], "main")[0] == KUSTOMIZATION
    assert change(KUSTOMIZATION, "remove_key", ["absent"])[0] == KUSTOMIZATION


def test_the_text_of_a_block_is_replaced_at_its_indentation() -> None:
    path = ["patches", 0, "patch"]
    after, gone, come = change(KUSTOMIZATION, "set_block", path, "- {op: test}\n- {op: add}\n")
    assert len(gone) == 1 and come == ["      - {op: test}", "      - {op: add}"]
    assert yaml.safe_load(after)["patches"][0]["patch"] == "- {op: test}\n- {op: add}"


def test_line_endings_and_a_missing_last_one_stay() -> None:
    text = "a: 1\r\nb:\r\n  - x\r\n"
    assert edited("f", text, lambda each: each.insert_item(["b"], 1, ["y"])) == "a: 1\r\nb:\r\n  - x\r\n  - y\r\n"
    assert edited("f", "\ufeffa: 1", lambda each: each.set_scalar(["a"], 2)) == "\ufeffa: 2\n"


@pytest.mark.parametrize(
    "value",
    [
        "main",
        "1.30",
        "true",
        "a: b",
        "# no",
        "x{y}",
        "'",
        '"',
        '--a={"b":1}',
        "é\u2028",
        "",
        "a,b",
        "-",
        "null:",
        "=",
        "\ufeff",
    ],
)
def test_a_value_is_read_back_as_it_was_given(value: str) -> None:
    assert yaml.safe_load(f"- {{a: {scalar(value)}, b: 1}}") == [{"a": value, "b": 1}]
    assert yaml.safe_load(edited("f", "a: 'x'\n", lambda each: each.set_scalar(["a"], value))) == {"a": value}
    assert yaml.safe_load(edited("f", 'a: "x"\n', lambda each: each.set_scalar(["a"], value))) == {"a": value}


def test_a_fragment_has_the_layout_of_the_project() -> None:
    value = {"target": {"kind": "X"}, "patch": "- op: a\n- op: b\n", "list": ["a", {"b": 1}]}
    lines = fragment(value)
    assert yaml.safe_load("\n".join(lines)) == value
    assert "patch: |" in lines and "  - a" in lines


@pytest.mark.parametrize(
    ("text", "method", "arguments"),
    [
        ("a: 1\n---\nb: 2\n", "set_scalar", (["a"], 2)),
        ("- a\n", "set_scalar", (["a"], 2)),
        ("a: {b: 1}\n", "insert_item", (["a"], 0, ["x"])),
        ("a: |\n  text\n", "set_scalar", (["a"], "b")),
        ("a: [1,\n  2]\n", "set_block", (["a"], "b")),
        ("a: 1\na: 2\n", "set_scalar", (["a"], 2)),
        ("a: [\n", "set_scalar", (["a"], 2)),
    ],
)
def test_what_cannot_be_edited_is_refused(text: str, method: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(UserError):
        getattr(Text("file.yaml", text), method)(*arguments)


@pytest.mark.parametrize("text", ["resources:\n", "resources: []\n", "other: 1\n"])
def test_a_list_that_is_not_there_has_no_items(text: str) -> None:
    assert Text("k.yaml", text).items(["resources"]) == []


@pytest.mark.parametrize("value", ["1.5", "a.yaml", "{a: b}"])
def test_what_is_not_a_list_has_no_items_to_give(value: str) -> None:
    with pytest.raises(UserError, match="a list was expected") as refused:
        Text("k.yaml", f"resources: {value}\n").items(["resources"])
    assert refused.value.at is not None and refused.value.at.place().line == 1


def test_no_public_name_is_also_a_module_which_would_hide_it() -> None:
    from pathlib import Path

    import modelyard.editing as room

    modules = {path.stem for path in Path(str(room.__file__)).parent.glob("*.py")}
    assert not modules & set(room.__all__)
    for name in room.__all__:
        assert getattr(room, name) is not None
