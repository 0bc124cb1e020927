import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from modelyard.findings import ExitCode, UserError
from modelyard.tooling import ToolFailed, ToolMissing, ToolOutputTooLarge, ToolTimedOut, parallel, processes, run


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        return run(["ps", "-p", str(pid)], timeout=20).returncode == 0
    return state != "Z"


def wait_until(condition: object, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def test_output_messages_and_status_are_captured() -> None:
    completed = run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"), timeout=20)
    assert (completed.returncode, completed.stdout, completed.stderr) == (3, b"out\n", "err\n")


def test_large_input_and_output_at_once_do_not_block() -> None:
    text = os.urandom(4 * 1024 * 1024)
    completed = run(["cat"], stdin=text, timeout=20)
    assert completed.stdout == text


def test_a_program_that_ignores_its_input_is_no_error() -> None:
    assert run(["true"], stdin=b"x" * 1024 * 1024, timeout=20).returncode == 0


def test_arguments_are_never_given_to_a_shell(tmp_path: Path) -> None:
    completed = run(["echo", f"$(touch {tmp_path}/made)", ";", "ls"], timeout=20)
    assert completed.stdout.decode() == f"$(touch {tmp_path}/made) ; ls\n"
    assert list(tmp_path.iterdir()) == []


def test_variables_are_added_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKEN", "1")
    monkeypatch.setenv("KEPT", "2")
    code = "import os; print([os.environ.get(name) for name in ('TAKEN', 'KEPT', 'ADDED')])"
    completed = run(python(code), timeout=20, env={"TAKEN": None, "ADDED": "3"})
    assert completed.stdout.decode().strip() == "[None, '2', '3']"


def test_a_missing_program_is_named_with_a_remedy() -> None:
    with pytest.raises(ToolMissing, match="no-such-program is not installed") as caught:
        run(["no-such-program", "a b"], timeout=5)
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.command == "no-such-program 'a b'"
    assert "doctor" in caught.value.fix


def test_a_missing_folder_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a folder") as caught:
        run(["true"], cwd=tmp_path / "absent", timeout=5)
    assert not isinstance(caught.value, ToolMissing)


def test_a_failure_quotes_the_last_message_and_the_line_to_paste(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match=r"sh ended with exit status 7: it broke") as caught:
        run(["sh", "-c", "echo first >&2; echo it broke >&2; exit 7"], cwd=tmp_path, timeout=20, check=True)
    assert caught.value.completed.returncode == 7
    assert caught.value.fix.endswith(f"cd {tmp_path} && sh -c 'echo first >&2; echo it broke >&2; exit 7'")


def test_a_program_past_its_time_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(ToolTimedOut, match=r"did not end within 0\.5 s"):
        run(["sh", "-c", f"sleep 60 & echo $! > {note}; wait"], timeout=0.5)
    assert wait_until(lambda: not alive(int(note.read_text())))


def test_a_program_that_refuses_to_end_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    stubborn = f"""
import os, pathlib, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path({str(note)!r}).write_text(str(os.getpid()))
while True:
    signal.pause()
"""
    with pytest.raises(ToolTimedOut):
        run(python(stubborn), timeout=2)
    assert not note.exists() or not alive(int(note.read_text()))


def test_endless_output_is_cut_off() -> None:
    with pytest.raises(ToolOutputTooLarge, match="more than 1 MiB"):
        run(["yes"], timeout=20, max_output=1024 * 1024)


def test_endless_messages_are_bounded() -> None:
    completed = run(["sh", "-c", "yes message | head -c 3000000 >&2; echo last >&2"], timeout=20)
    assert len(completed.stderr) <= 256 * 1024
    assert completed.stderr.endswith("last\n")


def test_lines_of_progress_come_while_it_runs(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    lines: list[str] = []

    def receive(line: str) -> None:
        lines.append(line)
        seen.touch()

    # The second line is written only when the first was handed on.
    waiting = f"echo one >&2; while [ ! -e {seen} ]; do sleep 0.02; done; echo two >&2"
    run(["sh", "-c", waiting], timeout=60, on_stderr=receive)
    assert lines == ["one", "two"]


def test_parallel_keeps_the_order_and_the_bound() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        run(["sleep", "0.05" if number % 2 else "0.01"], timeout=20)
        with lock:
            running -= 1
        return number

    assert list(parallel(work, range(20), workers=4)) == list(range(20))
    assert most == 4


def test_parallel_reads_its_input_lazily() -> None:
    taken: list[int] = []

    def numbers() -> object:
        for number in range(1000):
            taken.append(number)
            yield number

    results = parallel(lambda number: number, numbers(), workers=2)  # type: ignore[arg-type, var-annotated]
    assert next(results) == 0
    assert len(taken) <= 8
    results.close()  # type: ignore[attr-defined]


def test_one_failure_ends_the_other_processes(tmp_path: Path) -> None:
    def work(number: int) -> None:
        if number == 3:
            wait_until(lambda: len(list(tmp_path.iterdir())) == 3)
            raise UserError("the fourth is bad")
        run(["sh", "-c", f"echo $$ > {tmp_path}/{number}; sleep 60"], timeout=100)

    with pytest.raises(UserError, match="the fourth is bad"):
        # Results come in order, so the failure is put first.
        list(parallel(work, [3, 0, 1, 2], workers=4))
    pids = [int(file.read_text()) for file in tmp_path.iterdir()]
    assert len(pids) == 3
    assert wait_until(lambda: not any(alive(pid) for pid in pids))


def test_an_interrupt_while_a_program_starts_does_not_lose_it(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = processes._start

    def interrupted(*arguments: object) -> subprocess.Popen[bytes]:
        started.append(start(*arguments))  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGINT)
        return started[0]

    monkeypatch.setattr(processes, "_start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(["sleep", "60"], timeout=100)
    assert started[0].returncode == -signal.SIGTERM
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_twice_still_ends_a_stubborn_program() -> None:
    code = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    timers = [threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)) for after in (1.0, 1.5)]
    for timer in timers:
        timer.start()
    pids: list[int] = []
    real = processes._start

    def noted(*arguments: object) -> subprocess.Popen[bytes]:
        process = real(*arguments)  # type: ignore[arg-type]
        pids.append(process.pid)
        return process

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(processes, "_start", noted)
        run(python(code), timeout=100)
    assert not alive(pids[0])


def test_an_interrupt_leaves_no_process_behind(tmp_path: Path) -> None:
    code = f"""
from modelyard.tooling import parallel, run
list(parallel(lambda n: run(["sh", "-c", f"echo $$ > {tmp_path}/{{n}}; sleep 60"], timeout=100), range(4), workers=2))
"""
    child = subprocess.Popen(python(code), stderr=subprocess.PIPE, start_new_session=True)
    try:
        assert wait_until(
            lambda: all((tmp_path / name).is_file() and (tmp_path / name).read_text() for name in "01"), 20
        )
        os.kill(child.pid, signal.SIGINT)
        _, messages = child.communicate(timeout=20)
    finally:
        child.kill()
    assert b"KeyboardInterrupt" in messages
    pids = [int(file.read_text()) for file in tmp_path.iterdir()]
    assert wait_until(lambda: not any(alive(pid) for pid in pids))
