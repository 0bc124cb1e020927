"""The files of a commit answer as the same files on disk do."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.diffing.committed import CommittedFiles
from modelyard.diffing.history import History
from modelyard.repository import Files, UnreadableFile
from tests.diffing.conftest import CHAT, Changed

PATHS = (
    "",
    CHAT,
    "environments",
    "environments/dev",
    "environments/dev/models/../models/chat",
    "shared",
    "shared/serving/vllm/service.yaml",
    "linked.yaml",
    "deep/inner",
    "deep/inner/chat/kustomization.yaml",
    "dangling",
    "missing",
    "missing/below",
    "outside",
    "outside/passwd",
    "absolute",
    "loop",
    "loop/below",
)


@pytest.fixture
def both(changed: Changed, tmp_path: Path) -> tuple[CommittedFiles, Files]:
    """The files of a commit with links of every kind, and the same on disk."""
    root = changed.root
    (root / "shared").symlink_to("bases")
    (root / "linked.yaml").symlink_to(CHAT)
    (root / "deep").mkdir()
    (root / "deep/inner").symlink_to("../environments/dev/models")
    (root / "dangling").symlink_to("nowhere")
    (root / "outside").symlink_to("../../etc")
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "loop").symlink_to("loop")
    changed.commit("linked")
    history = History(root)
    base, _, _ = history.sides("linked")
    folder = tmp_path / "side"
    folder.mkdir()
    return CommittedFiles(folder, history, base), Files(root)


def answer(files: Files, question: str, path: str) -> object:
    try:
        found = getattr(files, question)(path)
    except UnreadableFile:
        return UnreadableFile
    return found


@pytest.mark.parametrize("path", PATHS)
def test_committed_files_answer_as_those_on_disk(both: tuple[CommittedFiles, Files], path: str) -> None:
    committed, on_disk = both
    inside = answer(on_disk, "real", path) is not UnreadableFile
    assert (answer(committed, "require_inside", path) is None) is inside
    if not inside:
        # A link out of the repository is nobody's file here, whatever lies there on this machine.
        assert not committed.is_file(path) and not committed.is_folder(path)
        assert answer(committed, "read", path) is UnreadableFile
        return
    for question in ("is_file", "is_folder", "read"):
        assert answer(committed, question, path) == answer(on_disk, question, path), question
    hidden = {".git"}
    assert set(committed.under(path)) == set(on_disk.under(path)) - hidden


def test_only_what_is_asked_for_is_put_on_disk_with_the_links_on_the_way(both: tuple[CommittedFiles, Files]) -> None:
    committed, on_disk = both
    assert list(committed.root.iterdir()) == []
    committed.put_on_disk(["deep/inner/chat/kustomization.yaml", "linked.yaml"])
    written = {path.relative_to(committed.root).as_posix() for path in committed.root.rglob("*") if path.is_file()}
    assert written == {CHAT, "linked.yaml"}
    assert (committed.root / "linked.yaml").is_symlink()
    assert (committed.root / "deep/inner").is_symlink()
    assert (committed.root / "deep/inner/chat/kustomization.yaml").read_bytes() == on_disk.read(CHAT)
    assert not (committed.root / "bases").exists()


def test_contents_of_every_shape_come_back_whole(changed: Changed) -> None:
    contents = {"empty": "", "newline": "\n", "no-end": "a", "lines": "a\n\nb\n", "large": "x" * 3_000_000 + "\n"}
    for name, text in contents.items():
        changed.write(f"texts/{name}", text)
    changed.commit("texts")
    history = History(changed.root)
    base, _, _ = history.sides("texts")
    history.fetch(base.files[f"texts/{name}"].blob for name in contents)
    for name, text in contents.items():
        assert history.content(base.files[f"texts/{name}"].blob).decode() == text, name
    history.close()
