"""What a target reads, and what it must not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.repository import Files, Repository, UnreadableFile, joined
from modelyard.repository.limits import MAX_FILE_BYTES

Write = Callable[[dict[str, str]], Path]


def problems(root: Path, target: str) -> list[tuple[str, str]]:
    return [(each.kind, str(each.at.place())) for each in Repository(root).kustomizations.tree(target).problems]


def test_inputs_are_transitive_and_layers_in_order(tree: Write) -> None:
    root = tree(
        {
            "base/kustomization.yaml": "resources: [a.yaml]\nconfigMapGenerator:\n  - {name: x, files: [k=conf.ini]}\n",
            "base/a.yaml": "kind: A\n",
            "base/conf.ini": "x",
            "feature/kustomization.yaml": "kind: Component\npatches:\n  - path: p.yaml\n    target: {kind: A}\n",
            "feature/p.yaml": "[]\n",
            "top/kustomization.yaml": "resources: [../base]\ncomponents: [../feature]\n",
        }
    )
    found = Repository(root).kustomizations.tree("top")
    assert found.problems == []
    assert [layer.folder for layer in found.layers] == ["base", "feature", "top"]
    assert found.inputs == {
        "base/kustomization.yaml",
        "base/a.yaml",
        "base/conf.ini",
        "feature/kustomization.yaml",
        "feature/p.yaml",
        "top/kustomization.yaml",
    }


@pytest.mark.parametrize(
    ("listed", "kind"),
    [
        ("../missing", "missing"),
        ("../../outside", "outside"),
        ("/etc/passwd", "outside"),
        ("https://github.com/acme/base?ref=v1", "remote"),
        ("git@github.com:acme/base.git", "remote"),
        ("github.com/acme/base", "remote"),
        ("../top", "cycle"),
        ("7", "malformed"),
    ],
)
def test_what_cannot_be_rendered_is_named_with_its_line(tree: Write, listed: str, kind: str) -> None:
    root = tree({"top/kustomization.yaml": f"# a comment\nresources:\n  - {listed}\n"})
    assert problems(root, "top") == [(kind, "top/kustomization.yaml:3:5")]


def test_cycle_is_told_as_a_way(tree: Write) -> None:
    root = tree({"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"})
    (problem,) = Repository(root).kustomizations.tree("a").problems
    assert "a → b → a" in problem.message


def test_helm_charts_are_refused_by_name(tree: Write) -> None:
    root = tree({"a/kustomization.yaml": "helmCharts:\n  - {name: x}\n"})
    assert problems(root, "a") == [("executes", "a/kustomization.yaml:1:1")]


def test_link_out_of_the_repository_is_refused(tree: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.yaml").write_text("kind: Secret\n")
    root = tree({"a/kustomization.yaml": "resources: [link.yaml]\n"})
    (root / "a/link.yaml").symlink_to(outside / "secret.yaml")
    assert problems(root, "a") == [("outside", "a/kustomization.yaml:1:13")]


def test_large_file_is_refused_unread(tree: Write) -> None:
    root = tree({"a.yaml": ""})
    with (root / "a.yaml").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(UnreadableFile, match="20 MiB"):
        Files(root).read("a.yaml")


@pytest.mark.parametrize(
    ("folder", "relative", "whole"),
    [("a/b", "../c", "a/c"), ("a", ".", "a"), ("", "x/./y", "x/y"), ("a", "../../b", None)],
)
def test_joined(folder: str, relative: str, whole: str | None) -> None:
    assert joined(folder, relative) == whole


def test_generate_paths_name_every_folder_once(one_model: Path) -> None:
    value = Repository(one_model).manifest_generate_paths("environments/dev/models/chat")
    assert value == (
        "/environments/dev/models/chat;/environments/dev/versions;/overlays/qwen3-1-7b-vllm-gpu;/bases/serving/vllm"
    )
