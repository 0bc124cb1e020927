"""`modelyard rehearse` needs no rights: run as a user who has none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.tooling.directories import data
from tests.rehearsal.test_rehearse import processes

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("needs_control_plane")]

MODELYARD = Path(sys.executable).with_name("modelyard")
NOBODY = 65534


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a folder of that user, with all that it may write to."""
    if os.geteuid() != 0:
        pytest.skip("these tests do not run as root: the others have shown it already")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed, which gives the rights away")
    with tempfile.TemporaryDirectory(prefix="modelyard-nobody-") as folder:
        Path(folder).chmod(0o755)
        os.chown(folder, NOBODY, NOBODY)
        yield Path(folder)


@pytest.fixture
def platform(one_model: Path, home: Path) -> Path:
    """Return a repository of that user."""
    root = home / "my-platform"
    shutil.copytree(one_model, root, symlinks=True)
    for path in (root, *root.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return root


def rehearsed(root: Path, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Rehearse as that user, who may read everything, since Python may lie in a folder of root's, and nothing else."""
    rights = "-all,+dac_read_search"
    who = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--no-new-privs"]
    kept = [f"--inh-caps={rights}", f"--ambient-caps={rights}", f"--bounding-set={rights}"]
    words = [str(MODELYARD), "rehearse", str(root), "--env", "dev", "--quiet"]
    return subprocess.run(
        [str(shutil.which("setpriv")), *who, *kept, *words],
        cwd=home,
        env={
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "MODELYARD_DATA_DIR": str(data()),
            **{name: value for name, value in os.environ.items() if name == "KUBEBUILDER_ASSETS"},
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_it_needs_no_rights_and_leaves_nothing(platform: Path, home: Path) -> None:
    done = rehearsed(platform, home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "real: etcd, and kube-apiserver" in done.stdout
    made = home / ".cache" / "modelyard" / "rehearsals"
    assert made.is_dir() and made.stat().st_uid == NOBODY and list(made.iterdir()) == []
    assert not [line for line in processes() if str(made) in line]


def test_a_folder_that_cannot_be_written_is_told(platform: Path, home: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    done = rehearsed(platform, home, MODELYARD_CACHE_DIR=str(closed / "cache"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "cannot be written: Permission denied" in done.stderr and "MODELYARD_CACHE_DIR" in done.stderr
    assert "Traceback" not in done.stderr and list(closed.iterdir()) == []
