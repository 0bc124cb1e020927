"""Short runs of programs in Go."""

from __future__ import annotations

import sys

import pytest

from modelyard.tooling import brief_run, run

SAY = [sys.executable, "-c", "import os; print(os.environ.get('GOGC'))"]


def test_garbage_is_collected_less_often_unless_the_user_says_how_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOGC", raising=False)
    assert run(SAY, timeout=60, env=brief_run()).stdout.split() == [b"400"]
    monkeypatch.setenv("GOGC", "50")
    assert run(SAY, timeout=60, env=brief_run()).stdout.split() == [b"50"]
