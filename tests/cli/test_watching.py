"""A check that is made again after each change."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.cli import watching
from modelyard.findings import UserError


def test_each_change_is_checked_once_it_has_settled(
    tree: Callable[[dict[str, str]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = tree({"a.yaml": "a: 1\n", "b/c.yaml": "c: 1\n", ".git/index": "x", "gone.yaml": ""})
    checks: list[int] = []
    # What somebody does while nothing is checked, one step after the other.
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: (root / ".git/index").write_text("Git's own"),
        lambda: (root / "b/c.yaml").write_text("c: 22\n"),
        lambda: (root / "b/c.yaml").write_text("c: 333\n"),
        lambda: None,
        lambda: (root / ".a.yaml.swp").touch(),
        lambda: (root / ".a.yaml.swp").unlink(),
        lambda: None,
        (root / "gone.yaml").unlink,
        lambda: (root / "a.yaml").write_text("a: 1234\n"),
        lambda: None,
    ]

    def check() -> int:
        checks.append(len(steps))
        if len(checks) == 2:
            raise UserError("c.yaml is not YAML")
        return 1

    def sleep(seconds: float) -> None:
        assert seconds > 0
        if not steps:
            raise KeyboardInterrupt
        steps.pop(0)()

    with pytest.raises(KeyboardInterrupt):
        watching.watched(root, check, sleep)
    told = capsys.readouterr()
    assert len(checks) == 3
    assert [line for line in told.out.splitlines() if line.startswith("changed")] == [
        "changed: b/c.yaml",
        "changed: a.yaml and gone.yaml",
    ]
    assert "c.yaml is not YAML" in told.err


@pytest.mark.slow
def test_ctrl_c_ends_a_watching_check(one_model: Path) -> None:
    argv = [sys.executable, "-m", "modelyard", "check", str(one_model), "--watch", "--quiet", "--no-policies"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert any("watching for changes" in line for line in process.stdout)
        settings = one_model / "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml"
        settings.write_text(settings.read_text() + "no-such-flag: 1\n")
        told = []
        for line in process.stdout:
            told.append(line)
            if "watching for changes" in line:
                break
        assert "changed: overlays/qwen3-1-7b-vllm-gpu/vllm.yaml\n" in told
        assert "no-such-flag" in "".join(told)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read() == "interrupted\n"
