"""An edit of several files: all or nothing, whatever ends it."""

from __future__ import annotations

import fcntl
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.editing import journal
from modelyard.editing.journal import FOLDER, finish_interrupted, write_together
from modelyard.findings import Refusal

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
        if path.is_file() and FOLDER not in path.parts
    }


def state(contents: dict[str, bytes | None]) -> dict[str, bytes]:
    return {"untouched": b"stays", **{path: content for path, content in contents.items() if content is not None}}


def settled(root: Path) -> dict[str, bytes]:
    """Return the files as soon as no process writes them any more."""
    lock = root / FOLDER / "lock"
    while lock.exists():
        try:
            with lock.open() as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
            break
        except FileNotFoundError:
            break
    return tree(root)


def in_a_process(call: Callable[[], None]) -> int:
    """Run something in a process of its own and return how it ended."""
    child = os.fork()
    if child == 0:
        try:
            call()
            os._exit(0)
        except BaseException:
            os._exit(3)
    return os.waitpid(child, 0)[1]


def test_all_files_are_written(tmp_path: Path) -> None:
    root = made(tmp_path)
    (root / "modelyard.yaml").chmod(0o600)
    write_together(root, NEW, OLD)
    assert tree(root) == state(NEW)
    assert not (root / FOLDER).exists()
    assert not (root / "environments").exists() or (root / "environments/prod/kustomization.yaml").exists()
    assert not (root / "environments/prod/models").exists(), "an empty folder is left"
    assert (root / "modelyard.yaml").stat().st_mode & 0o777 == 0o600


# Every call that changes the disk; a kill before each of them in turn goes through all states there are.
CALLS = [("os", "open"), ("os", "fsync"), ("Path", "replace"), ("Path", "unlink"), ("Path", "mkdir")]


def test_a_kill_before_any_change_of_the_disk_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    for fatal in range(1, 200):
        root = made(tmp_path / str(fatal))
        count = 0

        def counted(real: Callable[..., object], fatal: int = fatal) -> Callable[..., object]:
            def call(*arguments: object, **named: object) -> object:
                nonlocal count
                count += 1
                if count == fatal:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **named)

            return call

        with monkeypatch.context() as patched:
            for owner, name in CALLS:
                target = os if owner == "os" else Path
                patched.setattr(target, name, counted(getattr(target, name)))
            # The renames in this process, so that a kill can come between two of them.
            patched.setattr(journal, "_apart", journal._rename)
            status = in_a_process(lambda root=root: write_together(root, NEW, OLD))  # type: ignore[misc]
        finish_interrupted(root)
        found = tree(root)
        assert found in (state(OLD), state(NEW)), f"killed before call {fatal}"
        seen.add(found == state(NEW))
        assert not (root / FOLDER).exists()
        shutil.rmtree(root)
        if status == 0:
            break
    assert status == 0, "the edit has more calls than this test kills before"
    assert seen == {True, False}


def kill_at_random(tmp_path: Path, times: int) -> None:
    seen = {True: 0, False: 0}
    chance = random.Random(times)  # noqa: S311 - not a secret
    started = time.monotonic()
    root = made(tmp_path / "first")
    write_together(root, NEW, OLD)
    takes = time.monotonic() - started
    for number in range(times):
        root = made(tmp_path / str(number))
        child = os.fork()
        if child == 0:
            write_together(root, NEW, OLD)
            os._exit(0)
        time.sleep(chance.uniform(0, 1.5 * takes))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = settled(root)
        assert found in (state(OLD), state(NEW)), f"kill {number}"
        finish_interrupted(root)
        after = tree(root)
        assert after in (state(OLD), state(NEW)), f"kill {number}, afterwards"
        assert found == state(OLD) or after == found, "what was written is taken back"
        seen[after == state(NEW)] += 1
        shutil.rmtree(root)
    assert min(seen.values()) > 0, f"no kill came {'before' if seen[True] else 'after'} the point of no return"


def test_kills_at_random_leave_the_old_or_the_new_before_anybody_clears_up(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 40)


@pytest.mark.slow
def test_a_thousand_kills(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 1000)


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    root = made(tmp_path)

    def edit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # the first file is larger
        try:
            write_together(root, NEW, OLD)
        except Refusal as refusal:
            os._exit(7 if "nothing was changed" in refusal.message else 8)

    assert os.waitstatus_to_exitcode(in_a_process(edit)) == 7
    assert tree(root) == state(OLD)
    assert not (root / FOLDER).exists()


def test_a_file_that_changed_meanwhile_stops_the_edit(tmp_path: Path) -> None:
    root = made(tmp_path)
    (root / "modelyard.yaml").write_bytes(b"by somebody else\n")
    with pytest.raises(Refusal, match=r"modelyard\.yaml changed"):
        write_together(root, NEW, OLD)
    assert tree(root) == {**state(OLD), "modelyard.yaml": b"by somebody else\n"}


def test_two_edits_at_once(tmp_path: Path) -> None:
    root = made(tmp_path)
    (root / FOLDER).mkdir()
    with (root / FOLDER / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Refusal, match="another edit"):
            write_together(root, NEW, OLD)
        assert tree(root) == state(OLD)
    write_together(root, NEW, OLD)
    assert tree(root) == state(NEW)


def test_an_interrupt_from_the_terminal_does_not_reach_the_renames(tmp_path: Path) -> None:
    root = made(tmp_path)
    script = f"""
import os, signal, time
from pathlib import Path
from modelyard.editing import journal
real = journal._rename
def slow(*arguments):
    print("renaming", flush=True)
    time.sleep(0.5)
    real(*arguments)
journal._rename = slow
journal.write_together(Path({str(root)!r}), {NEW!r}, {OLD!r})
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None and process.stdout.readline() == b"renaming\n"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert settled(root) == state(NEW)


def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    root = made(tmp_path)
    (root / "environments/prod/applications").chmod(0o500)
    with pytest.raises(Refusal, match="nothing was changed"):
        write_together(root, NEW, OLD)
    assert tree(root) == state(OLD)
