"""Sides, their files, and what differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.diffing.committed import CommittedRepository
from modelyard.diffing.history import History, Side
from modelyard.diffing.impact import Impact
from modelyard.findings import ExitCode, UserError
from tests.diffing.conftest import CHAT, SETTINGS, Changed, git


def refusal(changed: Changed, sides: str, root: Path | None = None) -> UserError:
    with pytest.raises(UserError) as caught:
        History(root or changed.root).sides(sides)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.fix
    return caught.value


def test_a_shallow_clone_without_the_base_is_refused_with_the_command_that_brings_it(
    changed: Changed, tmp_path: Path
) -> None:
    changed.commit("head")
    git(tmp_path, "clone", "-q", "--depth=1", "--no-tags", f"file://{changed.root}", "shallow")
    told = refusal(changed, "base..HEAD", tmp_path / "shallow")
    assert "base base is not in this clone" in told.message
    assert "git fetch --depth=1 origin base" in told.fix


def test_a_base_that_only_the_remote_has_is_named(changed: Changed, tmp_path: Path) -> None:
    git(changed.root, "branch", "release")
    git(tmp_path, "clone", "-q", str(changed.root), "clone")
    assert refusal(changed, "release..HEAD", tmp_path / "clone").fix == "write origin/release"


@pytest.mark.parametrize("sides", ["..HEAD", "--output=/tmp/x..HEAD", "base..--all", "no\nname"])
def test_what_is_no_name_of_a_commit_is_refused(changed: Changed, sides: str) -> None:
    assert refusal(changed, sides)


def test_a_tag_is_found_and_a_name_of_two_lines_is_none(changed: Changed) -> None:
    git(changed.root, "tag", "-a", "-m", "first", "v1")
    history = History(changed.root)
    tip = history.commit("HEAD", "head")
    names = ["refs/tags/v1", "refs/tags/none", f"refs/tags/v1^{{commit}}\n{tip}", "refs/tags/a b", "refs/tags/v1"]
    assert [history.named(name) for name in names] == [tip, "", "", "", tip], "each answer belongs to its question"


def test_a_folder_outside_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not in a Git repository"):
        History(tmp_path)


def test_three_dots_leave_out_what_the_base_did_since(changed: Changed) -> None:
    git(changed.root, "checkout", "-q", "-b", "feature")
    changed.replace(CHAT, "--max-num-seqs=64", "--max-num-seqs=32")
    changed.commit("feature-tip")
    git(changed.root, "checkout", "-q", "main")
    changed.replace(SETTINGS, "max-model-len: 16384", "max-model-len: 8192")
    changed.commit("main-tip")
    history = History(changed.root)
    assert history.sides("main...feature")[2] == {CHAT}
    assert history.sides("main..feature")[2] == {CHAT, SETTINGS}


def test_unrelated_histories_have_no_common_commit(changed: Changed) -> None:
    git(changed.root, "checkout", "-q", "--orphan", "other")
    changed.commit("orphan")
    assert "no common commit" in refusal(changed, "main...other").message


def test_the_working_tree_counts_with_files_that_git_does_not_know_yet(changed: Changed) -> None:
    changed.write("environments/dev/models/talk/kustomization.yaml", "resources: []\n")
    (changed.root / SETTINGS).unlink()
    changed.write(".gitignore", "ignored/\n")
    changed.write("ignored/file", "x")
    _, head, differing = History(changed.root).sides("base")
    assert differing == {".gitignore", SETTINGS, "environments/dev/models/talk/kustomization.yaml"}
    assert SETTINGS not in head.files
    assert "environments/dev/models/talk/kustomization.yaml" in head.files


def test_attributes_of_archives_hide_nothing(changed: Changed) -> None:
    changed.write(".gitattributes", "environments/** export-ignore\n*.yaml export-subst\n")
    changed.replace(CHAT, "--max-num-seqs=64", "--max-num-seqs=32")
    changed.commit("hidden")
    (chat,) = changed.dev("base..hidden").applications
    assert [each.flag for each in chat.settings] == ["max-num-seqs"]


def test_a_repository_in_a_folder_of_its_checkout_is_compared_alone(changed: Changed, tmp_path: Path) -> None:
    mono = tmp_path / "mono"
    mono.mkdir()
    (changed.root / ".git").rename(tmp_path / "unused")
    changed.root.rename(mono / "platform")
    git(mono, "init", "-q")
    git(mono, "add", "-A", "--force")
    git(mono, "commit", "-q", "-m", "base")
    git(mono, "tag", "base")
    changed.root = mono / "platform"
    changed.replace(CHAT, "--max-num-seqs=64", "--max-num-seqs=32")
    (mono / "other.txt").write_text("outside")
    git(mono, "add", "-A")
    git(mono, "commit", "-q", "-m", "head")
    assert History(changed.root).sides("base..HEAD")[2] == {CHAT}
    (chat,) = changed.dev("base..HEAD").applications
    assert [each.flag for each in chat.settings] == ["max-num-seqs"]


def test_links_are_followed_to_what_they_name(changed: Changed) -> None:
    (changed.root / "shared").symlink_to("bases")
    changed.replace("overlays/qwen3-1-7b-vllm-gpu/kustomization.yaml", "../../bases/serving", "../../shared/serving")
    changed.commit("linked")
    changed.replace("bases/serving/vllm/service.yaml", "port: 8000", "port: 80")
    history = History(changed.root)
    base, _, differing = history.sides("linked")
    assert "dev" in Impact(history, base, differing).environments


@pytest.mark.parametrize("spelling", ['"\\x73ervice.yaml"', "'service.yaml'", "./service.yaml", "../vllm/service.yaml"])
def test_every_spelling_of_a_path_is_followed(changed: Changed, spelling: str) -> None:
    changed.replace("bases/serving/vllm/kustomization.yaml", "- service.yaml", f"- {spelling}")
    changed.commit("spelt")
    changed.replace("bases/serving/vllm/service.yaml", "port: 8000", "port: 80")
    history = History(changed.root)
    base, _, differing = history.sides("spelt")
    reached = Impact(history, base, differing)
    assert {"bases/serving/vllm", "overlays/qwen3-1-7b-vllm-gpu", "environments/dev/models/chat"} <= reached.folders


def test_values_of_a_chart_reach_the_environments_whose_application_names_them(changed: Changed) -> None:
    changed.replace("bases/platform/karpenter/values.yaml", "\n", "\n# a comment\n")
    history = History(changed.root)
    base, _, differing = history.sides("base")
    assert Impact(history, base, differing).environments == {"dev"}


def test_a_commit_with_a_path_that_leaves_the_folder_is_refused(changed: Changed, tmp_path: Path) -> None:
    history = History(changed.root)
    base, _, differing = history.sides("base")
    for path in ("bases/../../out", "modelyard/.git/config", "policies/.GIT/hooks/post-checkout"):
        hostile = Side("hostile", base.commit, {**base.files, path: base.files[CHAT]})
        reached = Impact(history, hostile, differing)
        folder = tmp_path / path.replace("/", "-")
        with pytest.raises(UserError, match="no checkout may have"):
            CommittedRepository(history, hostile, reached, folder, frozenset({"dev"})).put_all_on_disk()
        assert not (tmp_path / "out").exists()
