import fcntl
import os
import threading
from pathlib import Path

import pytest

from modelyard.findings import ExitCode, UserError
from modelyard.tooling import cache, data, write_whole
from modelyard.tooling.files import TEMPORARY


def test_folders_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "c"))
    monkeypatch.setenv("MODELYARD_DATA_DIR", str(tmp_path / "d"))
    assert (cache(), data()) == (tmp_path / "c", tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


def test_a_relative_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODELYARD_CACHE_DIR", "here")
    assert cache() == tmp_path / "here"


def test_an_empty_variable_is_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", "")
    assert cache().name == "modelyard"


def test_a_file_is_written_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    write_whole(path, "täxt", mode=0o600)
    assert path.read_bytes() == "täxt".encode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["b"]


def test_readers_see_one_version_or_the_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    versions = [bytes([65 + number]) * 200_000 for number in range(2)]
    write_whole(path, versions[0])
    stop = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        write_whole(path, versions[number % 2])
    stop.set()
    reader.join()
    assert seen <= set(versions)


@pytest.mark.parametrize("kind", ["killed", "link", "pipe"])
def test_what_was_left_beside_a_file_is_taken_away(tmp_path: Path, kind: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("stays")
    folder = tmp_path / "a"
    folder.mkdir()
    left = folder / f".b{TEMPORARY}"
    if kind == "killed":
        left.write_text("half")
    elif kind == "link":
        left.symlink_to(precious)
    else:
        os.mkfifo(left)
    write_whole(folder / "b", "new")
    assert {each.name: each.read_text() for each in folder.iterdir()} == {"b": "new"}
    assert precious.read_text() == "stays"


def test_writers_of_one_file_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "b"
    first = path.with_name(f".b{TEMPORARY}")
    with first.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        second = threading.Thread(target=write_whole, args=(path, "second"))
        second.start()
        stream.write(b"first")
        stream.flush()
        assert not path.exists()
        first.replace(path)
    second.join()
    assert path.read_text() == "second"
    assert [each.name for each in tmp_path.iterdir()] == ["b"]


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written") as caught:
        write_whole(tmp_path / "file" / "below", "x")
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.fix


def test_a_folder_in_the_way_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken" / "full").mkdir(parents=True)
    with pytest.raises(UserError, match="cannot be written"):
        write_whole(tmp_path / "taken", "x")
    assert [each.name for each in tmp_path.iterdir()] == ["taken"]
