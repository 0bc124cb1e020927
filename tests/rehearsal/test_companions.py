"""Programs beside a command end with it, and what a killed command left is cleared away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelyard.rehearsal.folders import clear_leftovers, run_folder
from modelyard.tooling import cache
from modelyard.tooling.background import companion, started_at
from modelyard.tooling.processes import ToolMissing

# Writes the id of a process of its own, as a server with helpers would have it.
PARENT = "sleep 300 & echo $!; echo trouble >&2; sleep 300"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5.0
    while started_at(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    return started_at(pid) is None


def first_line(log: Path) -> str:
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        lines = log.read_text().splitlines() if log.exists() else []
        if len(lines) > 1:
            return next(line for line in lines if line.isdigit())
        time.sleep(0.02)
    raise AssertionError(f"{log} stays empty")


def test_it_is_killed_with_what_it_started(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with companion(["sh", "-c", PARENT], log=log, name="server") as running:
        child = int(first_line(log))
        assert running.returncode is None and running.how_it_ended() == ""
        assert "trouble" in running.last_lines()
        if sys.platform == "linux":
            assert (running.measure() or 0) > 100_000
    assert gone(running.pid) and gone(child)


def test_its_own_end_is_told(tmp_path: Path) -> None:
    with companion(["sh", "-c", "echo no space left; exit 3"], log=tmp_path / "log", name="etcd") as running:
        assert gone(running.pid) or running.returncode is not None
        while running.returncode is None:
            time.sleep(0.01)
        assert running.how_it_ended() == "etcd ended with exit status 3"
    assert running.last_lines() == ["no space left"]


def test_it_ends_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), companion(["sleep", "300"], log=tmp_path / "log") as running:
        raise ZeroDivisionError
    assert gone(running.pid)


def test_a_missing_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing), companion([tmp_path / "none"], log=tmp_path / "log"):
        pass


def test_a_folder_goes_with_its_rehearsal() -> None:
    with run_folder() as folder:
        assert folder.path.stat().st_mode & 0o077 == 0, "tokens in it are nobody else's"
        assert clear_leftovers(folder.path.parent) == 0, "one that runs is left alone"
        assert folder.path.is_dir()
    assert list((cache() / "rehearsals").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which process an id belongs to")
def test_leftovers_of_a_killed_rehearsal_are_cleared(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from modelyard.rehearsal.folders import run_folder\n"
        "from modelyard.tooling.background import companion\n"
        "with run_folder() as folder, companion(['sleep', '300'], log=folder.path / 'log') as running:\n"
        "    folder.remember(running); print(running.pid, flush=True); time.sleep(300)\n"
    )
    killed = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    left = int(killed.stdout.readline())
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert started_at(left) is not None, "nothing could end it"
    with run_folder() as folder:
        assert gone(left)
        assert [each.name for each in folder.path.parent.iterdir()] == [folder.path.name]
