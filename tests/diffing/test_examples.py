"""The example pull requests of the documentation are what the commands write today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, PROJECT / "scripts" / "comments.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
