"""Conversations with programs: several questions to one process, and no process that stays."""

from __future__ import annotations

import gc
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from modelyard.tooling.processes import ToolFailed, ToolMissing, ToolOutputTooLarge, ToolTimedOut
from modelyard.tooling.streaming import LineProcess

ECHO = "import os, sys\nprint(os.getpid(), flush=True)\nfor line in sys.stdin: print(line.strip() * 2, flush=True)"


def conversation(program: str, silence: float = 20, max_line: int = 1 << 20) -> LineProcess:
    return LineProcess([sys.executable, "-c", program], silence=silence, max_line=max_line)


def ended(process: int) -> bool:
    """Return whether a process is gone, after at most five seconds."""
    deadline = time.monotonic() + 5
    while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not Path(f"/proc/{process}").exists()


def test_one_process_answers_several_questions() -> None:
    talk = conversation(ECHO)
    talk.tell(b"a\n")
    process, answer = islice(talk.ask(b"b\n"), 2)
    assert answer == b"aa"
    assert list(islice(talk.ask(b"c\n"), 2)) == [b"bb", b"cc"]
    assert talk.open
    talk.close()
    assert not talk.open
    assert ended(int(process))


def test_the_last_question_ends_the_input() -> None:
    talk = conversation(ECHO)
    assert list(talk.ask(b"a\nb\n", last=True))[1:] == [b"aa", b"bb"]
    assert not talk.open


def test_a_question_longer_than_a_pipe_is_told_whole() -> None:
    words = [b"x" * 1000] * 500
    talk = conversation(ECHO)
    talk.tell(b"\n".join(words) + b"\n")
    assert list(talk.ask(b"", last=True))[1:] == [b"x" * 2000] * 500


def test_a_conversation_that_nobody_holds_leaves_no_process() -> None:
    talk = conversation(ECHO)
    process = int(next(talk.ask(b"")))
    del talk
    gc.collect()
    assert ended(process)


def test_a_failing_program_is_told_with_its_last_words() -> None:
    talk = conversation("import sys; print('one', flush=True); sys.exit('no such folder')")
    lines: list[bytes] = []
    with pytest.raises(ToolFailed, match=r"exit status 1: no such folder"):
        lines.extend(talk.ask(b"", last=True))
    assert not talk.open


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("import time; time.sleep(60)", ToolTimedOut),
        ("print('x' * 4_000_000, flush=True); import time; time.sleep(60)", ToolOutputTooLarge),
    ],
)
def test_a_silent_or_endless_program_is_ended(program: str, problem: type[Exception]) -> None:
    talk = conversation(program, silence=1)
    with pytest.raises(problem):
        list(talk.ask(b""))
    assert not talk.open


def test_a_missing_program_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing):
        LineProcess([tmp_path / "none"], silence=1)
