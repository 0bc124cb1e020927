"""The command line in a process of its own, as users run it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

MODELYARD = [sys.executable, "-m", "modelyard"]

# A process in which `check` returns a report made here, so that every outcome can be had without a repository for it.
STAGED = """
import sys, time
from pathlib import Path
import modelyard.checking
from modelyard.findings import At, EnvironmentSummary, Finding, NotChecked, Place, Precision
from modelyard.findings import Report, Severity, UserError

def finding(severity, number=0):
    place = Place(f"environments/dev/environment.yaml", number + 1, 5, 8, Precision.EXACT, "a: \\u540d\\u524d bcd")
    stamp = {"rule": "area/rule", "severity": severity, "environment": "dev", "application": "chat"}
    return Finding(At(place), f"finding {number} \\u2502", "mend it").with_defaults(**stamp)

def report(*findings, gaps=()):
    summary = EnvironmentSummary("dev", 1, 1, 3, ("chat",))
    return Report(Path("."), [summary], list(findings), list(gaps), applications=1)

gap = NotChecked("chart x", "not in the cache", "run modelyard fetch", environment="dev", application="chat")

def check(root, options, progress):
    STAGE

modelyard.checking.check = check
from modelyard.cli import main
main()
"""


@dataclass(frozen=True)
class Outcome:
    """What a process left."""

    code: int
    out: str
    err: str


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables without what this machine says about terminals and languages."""
    dropped = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "GITHUB_ACTIONS", "PYTHONUTF8", "PYTHONIOENCODING")
    kept = {name: value for name, value in os.environ.items() if name not in dropped and not name.startswith("LC_")}
    return {**kept, "LANG": "C.UTF-8", "TERM": "xterm-256color", "MODELYARD_CACHE_DIR": str(tmp_path / "cache")}


@pytest.fixture
def modelyard(environment: dict[str, str], tmp_path: Path) -> Callable[..., Outcome]:
    """Return a function that runs the command line without a terminal."""

    def run(*arguments: str, cwd: Path = tmp_path, **variables: str) -> Outcome:
        done = subprocess.run(
            [*MODELYARD, *arguments],
            cwd=cwd,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def staged(environment: dict[str, str]) -> Callable[..., list[str]]:
    """Return a function from the body of `check` and arguments to the command that runs it."""

    def command(stage: str, *arguments: str) -> list[str]:
        body = textwrap.indent(textwrap.dedent(stage).strip(), "    ").strip()
        return [sys.executable, "-c", STAGED.replace("STAGE", body), "check", *arguments]

    return command


@pytest.fixture
def run_staged(staged: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path) -> Callable[..., Outcome]:
    """Return a function that runs a staged check without a terminal."""

    def run(stage: str, *arguments: str, **variables: str) -> Outcome:
        done = subprocess.run(
            staged(stage, *arguments),
            cwd=tmp_path,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def on_terminal(environment: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs a command on a terminal and returns all that it shows there."""

    def run(argv: list[str], **variables: str) -> str:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            argv, cwd=tmp_path, env={**environment, **variables}, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        shown, deadline = b"", time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    chunk = os.read(ours, 65536)
                except OSError:  # Linux reports a terminal without a writer as an error
                    break
                if not chunk:
                    break
                shown += chunk
            elif process.poll() is not None:
                break
        process.wait(timeout=10)
        os.close(ours)
        return shown.decode("utf-8", "replace").replace("\r\n", "\n")

    return run
