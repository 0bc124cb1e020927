"""An edit of several files: all or nothing, whatever ends it; and never one that the files themselves bring."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelyard.findings import UserError
from modelyard.repository.journal import SCRATCH, finish_interrupted, scratch_folder, write_together
from modelyard.tooling.directories import state
from tests.kills import in_a_process, kill_before

OLD: dict[str, bytes | None] = {
    "environments/prod/kustomization.yaml": b"old list\n",
    "environments/prod/models/chat/kustomization.yaml": b"old model\n",
    "modelyard.yaml": b"version: 1\n",
    "overlays/new/vllm.yaml": None,
    "overlays/new/deep/er/file.yaml": None,
    "environments/prod/applications/chat.yaml": b"old stub\n",
}
NEW: dict[str, bytes | None] = {
    "environments/prod/kustomization.yaml": b"new list\n" * 1000,
    "environments/prod/models/chat/kustomization.yaml": None,
    "modelyard.yaml": b"version: 1\nwaivers: []\n",
    "overlays/new/vllm.yaml": b"model: x\n",
    "overlays/new/deep/er/file.yaml": b"y\n",
    "environments/prod/applications/chat.yaml": None,
}


@pytest.fixture(autouse=True)
def state_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MODELYARD_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def made(root: Path) -> Path:
    for path, content in OLD.items():
        if content is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
    (root / "untouched").write_bytes(b"stays")
    return root


def tree(root: Path) -> dict[str, bytes]:
    """Return the files of a repository, without what an edit leaves beside them."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.relative_to(root).parts[0].startswith(SCRATCH)
    }


def contents(of: dict[str, bytes | None]) -> dict[str, bytes]:
    return {"untouched": b"stays", **{path: content for path, content in of.items() if content is not None}}


def left(root: Path) -> list[str]:
    """Return what an edit left, in the repository and beside it."""
    scratch = [path.name for path in root.iterdir() if path.name.startswith(SCRATCH)]
    return scratch + [path.name for path in state().glob("edits/*") if path.suffix != ".lock"]


def wait_for_writers() -> None:
    """Return as soon as no process has an edit's lock any more."""
    for lock in state().glob("edits/*.lock"):
        with lock.open("r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)


def test_all_files_are_written(tmp_path: Path) -> None:
    root = made(tmp_path / "r")
    (root / "modelyard.yaml").chmod(0o600)
    write_together(root, NEW, OLD)
    assert tree(root) == contents(NEW)
    assert not left(root)
    assert not (root / "environments/prod/models").exists(), "an empty folder is left"
    assert (root / "modelyard.yaml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("with_children", [False, True], ids=["the command alone", "the machine"])
def test_a_kill_before_any_change_of_the_disk_leaves_the_old_or_the_new(tmp_path: Path, with_children: bool) -> None:
    seen = set()
    for fatal in range(1, 200):
        root = made(tmp_path / str(fatal))

        def edit(root: Path = root, fatal: int = fatal) -> None:
            kill_before(fatal, with_children=with_children)
            write_together(root, NEW, OLD)

        status = in_a_process(edit)
        wait_for_writers()
        if not with_children:
            assert tree(root) in (contents(OLD), contents(NEW)), f"killed before change {fatal}, nothing cleared yet"
        finish_interrupted(root)
        assert tree(root) in (contents(OLD), contents(NEW)), f"killed before change {fatal}"
        assert not left(root)
        seen.add(tree(root) == contents(NEW))
        shutil.rmtree(root)
        if status == 0:
            break
        assert status in (0, 128 + signal.SIGKILL)
    assert status == 0, "the edit has more changes than this test kills before"
    assert seen == {True, False}


def test_a_kill_of_the_whole_process_group_does_not_reach_the_renames(tmp_path: Path) -> None:
    root = made(tmp_path / "r")
    script = f"""
import os, sys
from pathlib import Path
from modelyard.repository import journal
real = journal._rename
def slow(*arguments):
    print("renaming", flush=True)
    sys.stdin.read()
    real(*arguments)
journal._rename = slow
journal.write_together(Path({str(root)!r}), {NEW!r}, {OLD!r})
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == b"renaming\n"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()  # only now do the renames begin
    process.stdout.close()
    wait_for_writers()
    assert tree(root) == contents(NEW)


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    root = made(tmp_path / "r")

    def edit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # the first file is larger
        try:
            write_together(root, NEW, OLD)
        except UserError as error:
            os._exit(7 if "nothing was changed" in error.message else 8)

    assert in_a_process(edit) == 7
    assert tree(root) == contents(OLD)
    assert not left(root)


def test_a_file_that_changed_meanwhile_stops_the_edit(tmp_path: Path) -> None:
    root = made(tmp_path / "r")
    (root / "modelyard.yaml").write_bytes(b"by somebody else\n")
    with pytest.raises(UserError, match=r"modelyard\.yaml changed"):
        write_together(root, NEW, OLD)
    assert tree(root) == {**contents(OLD), "modelyard.yaml": b"by somebody else\n"}


def test_two_edits_at_once(tmp_path: Path) -> None:
    root = made(tmp_path / "r")
    with scratch_folder(root):
        with pytest.raises(UserError, match="another edit"):
            write_together(root, NEW, OLD)
        assert not finish_interrupted(root), "who only reads need not wait for an edit that has changed nothing yet"
        assert tree(root) == contents(OLD)
    write_together(root, NEW, OLD)
    assert tree(root) == contents(NEW)


def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    root = made(tmp_path / "r")
    (root / "environments/prod/applications").chmod(0o500)
    with pytest.raises(UserError, match="nothing was changed"):
        write_together(root, NEW, OLD)
    assert tree(root) == contents(OLD)


# Nothing that a clone can bring is believed.


def victim(root: Path) -> Path:
    folder = root.parent / "victim"
    folder.mkdir()
    (folder / "precious").write_text("kept")
    return folder


def outcome(root: Path) -> str:
    with pytest.raises(UserError) as refused:
        finish_interrupted(root)
    return refused.value.message


def test_an_edit_that_the_files_bring_is_refused(tmp_path: Path) -> None:
    root = made(tmp_path / "r")
    outside = victim(root)
    (root / ".modelyard-edit").mkdir()
    (root / ".modelyard-edit/0.new").write_text("planted")
    journal = [["../victim/planted", "0.new"], ["../victim/precious", None], [str(outside / "x"), "0.new"]]
    (root / ".modelyard-edit/journal.json").write_text(json.dumps(journal))
    assert "neither is believed" in outcome(root)
    assert tree(root).keys() > contents(OLD).keys() and [each.name for each in outside.iterdir()] == ["precious"]


@pytest.mark.parametrize("name", [".modelyard-edit", f"{SCRATCH}0123456789abcdef"])
def test_a_link_in_the_place_of_an_edit_is_not_followed(tmp_path: Path, name: str) -> None:
    root = made(tmp_path / "r")
    outside = victim(root)
    (root / name).symlink_to(outside)
    if name == ".modelyard-edit":
        assert "neither is believed" in outcome(root)
    else:
        write_together(root, NEW, OLD)
    assert [each.name for each in outside.iterdir()] == ["precious"]


def recorded(root: Path, changed: Mapping[str, object]) -> None:
    """Write what an edit that was cut short leaves, with fields of one's own."""
    scratch = root / f"{SCRATCH}0123456789abcdef"
    scratch.mkdir(exist_ok=True)
    (scratch / "0.new").write_text("planted")
    content = {"root": str(root), "scratch": scratch.name, "inode": scratch.stat().st_ino, "renames": [["a", "0.new"]]}
    with scratch_folder(root):
        (file,) = state().glob("edits/*.json")
    file.write_text(json.dumps({**content, **changed}))


def test_a_record_is_that_of_this_folder_and_this_edit(tmp_path: Path) -> None:
    root = made(tmp_path / "r")
    outside = victim(root)
    fields: Mapping[str, object]
    for fields in (
        {"root": "/elsewhere"},
        {"scratch": "../victim"},
        {"scratch": "environments"},
        {"inode": 1},
        {"renames": [["a", "../victim/precious"]]},
        {"renames": [["a", None, 1]]},
    ):
        recorded(root, fields)
        finish_interrupted(root)
        assert "a" not in tree(root), fields
        assert tree(root) == contents(OLD) and [each.name for each in outside.iterdir()] == ["precious"]
        assert not list(state().glob("edits/*.json"))


@pytest.mark.parametrize(
    "path", ["../victim/precious", "/etc/planted", "out/precious", ".git/hooks/pre-commit", "a/../b"]
)
def test_not_even_a_record_of_our_own_names_a_path_outside(tmp_path: Path, path: str) -> None:
    root = made(tmp_path / "r")
    outside = victim(root)
    (root / "out").symlink_to(outside)
    recorded(root, {"renames": [[path, "0.new"], [path, None]]})
    with pytest.raises(UserError):
        finish_interrupted(root)
    with pytest.raises(UserError):
        write_together(made(tmp_path / "s"), {path: b"x"}, {}) if path != "out/precious" else finish_interrupted(root)
    assert (outside / "precious").read_text() == "kept" and [each.name for each in outside.iterdir()] == ["precious"]


def test_state_that_lies_in_the_repository_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = made(tmp_path / "r")
    monkeypatch.setenv("MODELYARD_STATE_DIR", str(root / ".state"))
    with pytest.raises(UserError, match="could bring edits of its own"):
        write_together(root, NEW, OLD)
    assert not finish_interrupted(root) and tree(root) == contents(OLD)
