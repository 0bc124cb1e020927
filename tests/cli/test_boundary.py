"""Whatever happens in a command, the user gets one message and the documented exit code."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Outcome

Run = Callable[..., Outcome]
Staged = Callable[..., list[str]]

ERROR = "return report(finding(Severity.ERROR))"
WARNING = "return report(finding(Severity.WARNING))"
GAP = "return report(gaps=[gap])"


@pytest.mark.parametrize(
    ("stage", "arguments", "code"),
    [
        ("return report()", [], 0),
        (ERROR, [], 1),
        (WARNING, [], 0),
        (WARNING, ["--fail-on", "warning"], 1),
        (WARNING, ["--fail-on", "note"], 1),
        ("return report(finding(Severity.NOTE))", ["--fail-on", "warning"], 0),
        (GAP, [], 0),
        (GAP, ["--strict"], 3),
        ("return report(finding(Severity.ERROR), gaps=[gap])", ["--strict"], 1),
        ("return report(finding(Severity.WARNING), gaps=[gap])", ["--strict"], 3),
        ("raise UserError('no environment')", [], 2),
        ("raise RuntimeError('boom')", [], 4),
        ("raise KeyboardInterrupt", [], 130),
    ],
)
def test_exit_codes(run_staged: Run, stage: str, arguments: list[str], code: int) -> None:
    outcome = run_staged(stage, *arguments)
    assert outcome.code == code, outcome.err
    assert "Traceback" not in outcome.err + outcome.out


def test_a_refusal_has_message_place_and_fix(run_staged: Run) -> None:
    stage = "raise UserError('duplicate key a', fix='leave one', at=At(Place('modelyard.yaml', 3, 1)))"
    outcome = run_staged(stage)
    assert outcome.err == "modelyard.yaml:3:1: error: duplicate key a\n  fix: leave one\n"
    assert outcome.out == ""


def test_a_refusal_shows_the_source(run_staged: Run) -> None:
    place = "Place('modelyard.yaml', 12, 4, 7, Precision.EXACT, 'a: bcd')"
    outcome = run_staged(f"raise UserError('modelyard.yaml: a: not so', fix='do', at=At({place}))")
    assert outcome.err == ("modelyard.yaml:12:4: error: a: not so\n  12  │ a: bcd\n      │    ^^^\n  fix: do\n")


def test_a_refusal_cannot_write_to_the_terminal(run_staged: Run) -> None:
    outcome = run_staged(r"raise UserError('a\x1b[2Jb\n::error::c')")
    assert outcome.err == "error: a\\x1b[2Jb\\n::error::c\n"


def test_a_fault_leaves_a_log_and_no_traceback(run_staged: Run) -> None:
    outcome = run_staged("raise RuntimeError('boom')")
    assert outcome.err.startswith("internal error: RuntimeError: boom\n")
    (path,) = re.findall(r"(/\S+\.log) has the details", outcome.err)
    log = Path(path).read_text()
    assert "Traceback" in log
    assert "modelyard 0." in log
    assert Path(path).stat().st_mode & 0o077 == 0


def test_a_fault_without_a_writable_cache_still_leaves_a_log(run_staged: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = run_staged("raise RuntimeError('boom')", MODELYARD_CACHE_DIR=str(tmp_path / "file" / "cache"))
    assert outcome.code == 4
    (path,) = re.findall(r"(/\S+\.log) has the details", outcome.err)
    assert Path(path).is_file()
    Path(path).unlink()


def test_traceback_is_shown_when_asked_for(modelyard: Run, staged: Staged, environment: dict[str, str]) -> None:
    argv = staged("raise RuntimeError('boom')")
    argv.insert(argv.index("check"), "--traceback")
    done = subprocess.run(argv, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 4
    assert "Traceback (most recent call last)" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["chek"], ["check", "--no-such-option"], ["check", "a", "b"], ["check", "-j", "0"]]
)
def test_wrong_usage(modelyard: Run, arguments: list[str]) -> None:
    outcome = modelyard(*arguments)
    assert outcome.code == 2
    assert "Error: " in outcome.err
    assert "Traceback" not in outcome.err


def test_a_mistyped_verb_is_recognised(modelyard: Run) -> None:
    assert "Did you mean 'check'" in modelyard("chek").err


def test_ctrl_c_ends_cleanly(staged: Staged, environment: dict[str, str], tmp_path: Path) -> None:
    stage = "sys.stderr.write('ready\\n'); sys.stderr.flush(); time.sleep(60)"
    process = subprocess.Popen(
        staged(stage, "--format", f"json={tmp_path / 'report.json'}"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == b"interrupted\n"
    assert out == b""
    assert not list(tmp_path.glob("*report*"))


def test_ctrl_c_twice_prints_no_traceback(staged: Staged, environment: dict[str, str]) -> None:
    stage = "sys.stderr.write('ready\\n'); sys.stderr.flush(); time.sleep(60)"
    process = subprocess.Popen(staged(stage), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    time.sleep(0.02)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode in (130, -signal.SIGINT)
    assert b"Traceback" not in err


def test_a_reader_that_leaves_early_changes_no_verdict(staged: Staged, environment: dict[str, str]) -> None:
    stage = "return report(*[finding(Severity.ERROR, n) for n in range(20000)])"
    process = subprocess.Popen(staged(stage), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b"environments/dev/environment.yaml:1:5: error")
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 1


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("stage", "code"), [(ERROR, 1), ("raise UserError('no')", 2), ("raise RuntimeError('no')", 4)])
def test_closed_streams(
    staged: Staged, environment: dict[str, str], redirection: str, stage: str, code: int, tmp_path: Path
) -> None:
    argv = ["bash", "-c", f'"$@" {redirection}', "bash", *staged(stage)]
    done = subprocess.run(
        argv, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False, cwd=tmp_path
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this platform has no /dev/full")
@pytest.mark.parametrize("format", ["text", "json"])
def test_a_full_disk_under_standard_output(staged: Staged, environment: dict[str, str], format: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            staged("return report()", "--format", format),
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert "cannot be written to standard output: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "iso-8859-1"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_a_locale_that_is_not_utf_8(run_staged: Run, variables: dict[str, str]) -> None:
    text = run_staged(ERROR, **variables)
    assert text.code == 1
    assert "  1  | a: " in text.out
    assert "UnicodeEncodeError" not in text.err
    content = json.loads(run_staged(ERROR, "--format", "json", **variables).out)
    assert content["findings"][0]["message"] == "finding 0 │"
    assert "finding 0 │" in run_staged(ERROR, "--format", "junit", **variables).out


def test_help_is_quick() -> None:
    heavy = ("copier", "pydantic", "rich", "ruamel", "yaml", "jinja2", "hcl2", "orjson", "modelyard.checking")
    code = (
        "import sys\nsys.argv = ['modelyard', '--help']\nfrom modelyard.cli import main\n"
        f"try:\n    main()\nfinally:\n    print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0
    assert done.stderr == "[]\n"
