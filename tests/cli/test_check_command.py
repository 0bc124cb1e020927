"""`modelyard check`: outputs, terminals, progress; and once the whole of it on a real repository."""

import json
import os
import re
import shutil
import stat
import subprocess
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.cli.check import path_prefix
from modelyard.findings import UserError
from modelyard.tooling import find

from .conftest import MODELYARD, Outcome

Run = Callable[..., Outcome]
Staged = Callable[..., list[str]]
Terminal = Callable[..., str]

ERROR = "return report(finding(Severity.ERROR), gaps=[gap])"
PROGRESS = """
for done in range(5):
    progress("applications", done + 1, 5)
return report(finding(Severity.ERROR))
"""


def test_several_formats_at_once(run_staged: Run, tmp_path: Path) -> None:
    outcome = run_staged(
        ERROR, "--format", "json=out/report.json", "--format", "sarif=report.sarif", "--format", "junit=report.xml",
        "--format", "text",
    )  # fmt: skip
    assert outcome.code == 1
    assert outcome.out.startswith("environments/dev/environment.yaml:1:5: error area/rule\n")
    assert json.loads((tmp_path / "out" / "report.json").read_text())["summary"]["errors"] == 1
    assert json.loads((tmp_path / "report.sarif").read_text())["runs"][0]["results"]
    assert ET.parse(tmp_path / "report.xml").getroot().get("failures") == "1"  # noqa: S314
    assert stat.S_IMODE((tmp_path / "report.sarif").stat().st_mode) == 0o644


def test_output_names_the_file_of_the_one_format(run_staged: Run, tmp_path: Path) -> None:
    outcome = run_staged(ERROR, "-f", "json", "-o", "report.json")
    assert outcome.out == ""
    assert json.loads((tmp_path / "report.json").read_text())["version"] == 1


def test_a_text_file_has_no_colours(run_staged: Run, tmp_path: Path) -> None:
    run_staged(ERROR, "-f", "text=report.txt", FORCE_COLOR="1")
    assert "\x1b" not in (tmp_path / "report.txt").read_text()


def test_annotations_and_text_share_standard_output(run_staged: Run) -> None:
    out = run_staged(ERROR, "-f", "github", "-f", "text").out
    assert out.startswith("::error file=environments/dev/environment.yaml,line=1,")
    assert "\nenvironments/dev/environment.yaml:1:5: error" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-f", "jsn"], "did you mean json?"),
        (["-f", "json", "-f", "text"], "would be mixed on standard output"),
        (["-f", "json=a", "-f", "sarif=a"], "two formats would be written to"),
        (["-f", "json="], "names no file"),
        (["-f", "json=a", "-o", "b"], "--output takes the one format"),
        (["-f", "json=."], "is a folder"),
        (["--fail-on", "fatal"], "'error', 'warning', 'note'"),
        (["--shard", "3/2"], "1 ≤ I ≤ N"),
        (["--shard", "x"], "such as 2/8"),
        (["--backend", "helm"], "'library', 'processes'"),
        (["nowhere"], "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_done_is_refused_before_the_check(run_staged: Run, arguments: list[str], message: str) -> None:
    outcome = run_staged("raise AssertionError('the check ran')", *arguments)
    assert outcome.code == 2
    assert message in outcome.err


def test_a_file_that_cannot_be_written(run_staged: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    outcome = run_staged(ERROR, "-f", "json=file/report.json", "-f", "text")
    assert outcome.code == 2
    assert "file/report.json cannot be written" in outcome.err
    assert "MODELYARD_" not in outcome.err
    assert (tmp_path / "file").read_text() == "mine"
    assert outcome.out == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_folder(run_staged: Run, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    outcome = run_staged(ERROR, "-f", "json=locked/report.json")
    assert outcome.code == 2
    assert not list((tmp_path / "locked").iterdir())


def test_a_link_is_followed_and_a_pipe_is_kept(run_staged: Run, tmp_path: Path) -> None:
    (tmp_path / "real.json").touch()
    (tmp_path / "link.json").symlink_to("real.json")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()
    run_staged(ERROR, "-f", "json=link.json", "-f", "sarif=pipe")
    reader.join(timeout=20)
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["version"] == 1
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert json.loads(received[0])["version"] == "2.1.0"


def test_options_reach_the_check(run_staged: Run) -> None:
    outcome = run_staged(
        "raise UserError(repr(options))",
        "-e", "dev", "-e", "prod", "-a", "chat", "--no-cache", "--no-policies", "--shard", "2/8", "-j", "3",
        "--backend", "processes", "--kubernetes-version", "1.36",
    )  # fmt: skip
    assert outcome.err == (
        "error: CheckOptions(environments=('dev', 'prod'), applications=('chat',), use_cache=False, policies=False, "
        "shard=(2, 8), backend='processes', jobs=3, kubernetes_version='1.36', plans=(), "
        "facts=(), select=(), ignore=(), baseline=None, since=None)\n"
    )


def test_nothing_is_coloured_and_no_progress_shown_without_a_terminal(run_staged: Run) -> None:
    outcome = run_staged(PROGRESS)
    assert "\x1b" not in outcome.out
    assert outcome.err == ""


def test_colours_can_be_forced(run_staged: Run) -> None:
    assert "\x1b[1;31merror\x1b[0m" in run_staged(ERROR, FORCE_COLOR="1").out
    assert "\x1b" not in run_staged(ERROR, FORCE_COLOR="1", NO_COLOR="1").out


def test_a_terminal_gets_colours_and_progress_that_goes_away(staged: Staged, on_terminal: Terminal) -> None:
    shown = on_terminal(staged(PROGRESS))
    assert "applications 5 of 5" in shown
    assert "\x1b[1;31merror\x1b[0m" in shown
    # The last thing before the report clears the line of progress.
    assert "\r\x1b[2K\x1b[1menvironments/dev" in shown


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours(staged: Staged, on_terminal: Terminal, variables: dict[str, str]) -> None:
    shown = on_terminal(staged(ERROR), **variables)
    assert not re.search(r"\x1b\[[0-9;]*m", shown)


def test_quiet_on_a_terminal(staged: Staged, on_terminal: Terminal) -> None:
    assert "applications" not in on_terminal(staged(PROGRESS, "--quiet"))


def test_a_narrow_terminal(staged: Staged, on_terminal: Terminal) -> None:
    shown = on_terminal(staged(ERROR), COLUMNS="40")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    # Places and commands are for copying and stay whole.
    lines = [line for line in plain.splitlines() if not re.match(r"environments/|  modelyard explain", line)]
    assert lines
    assert max(map(len, lines)) <= 40


def test_the_path_of_a_repository_below_the_top_of_its_checkout(tmp_path: Path) -> None:
    below = tmp_path / "deploy" / "platform"
    below.mkdir(parents=True)
    assert path_prefix(below) == ""
    (tmp_path / ".git").mkdir()
    assert path_prefix(below) == "deploy/platform/"
    assert path_prefix(tmp_path) == ""


def test_a_folder_that_is_no_gitops_repository(modelyard: Run, tmp_path: Path) -> None:
    outcome = modelyard("check")
    assert outcome.code == 2
    assert "holds no environments" in outcome.err
    assert "modelyard new" in outcome.err


def kustomize() -> str:
    """Return why a real check cannot run here, empty when it can."""
    try:
        return "" if find("kustomize") else "kustomize is not installed: `modelyard tools install`"
    except UserError as error:
        return error.message


@pytest.mark.skipif(bool(kustomize()), reason=kustomize())
def test_a_real_repository(modelyard: Run, one_model: Path) -> None:
    outcome = modelyard("check", str(one_model), "-f", "json")
    assert outcome.code in (0, 1), outcome.err
    content = json.loads(outcome.out)
    assert [environment["name"] for environment in content["environments"]] == ["dev"]
    assert content["environments"][0]["models"] == 1
    junit = modelyard("check", str(one_model), "-f", "junit").out
    cases = {case.get("name") for case in ET.fromstring(junit).iter("testcase")}  # noqa: S314
    assert "chat" in cases


@pytest.mark.skipif(bool(kustomize()), reason=kustomize())
@pytest.mark.parametrize(("name", "code", "said"), [("SIGINT", 130, "interrupted\n"), ("SIGTERM", 143, "")])
def test_a_real_check_that_is_ended_leaves_no_process(
    one_model: Path, environment: dict[str, str], name: str, code: int, said: str
) -> None:
    slow = Path(environment["MODELYARD_CACHE_DIR"]).parent / "bin"
    slow.mkdir()
    started, sleep = slow / "started", f"sleep 3{code}.7"
    # Stands in for a render that takes long: whatever it is asked, it sleeps.
    (slow / "kustomize").write_text(
        f'#!/bin/sh\n[ "$1" = version ] && echo v5.8.1 && exit\ntouch {started}\nexec {sleep}\n'
    )
    (slow / "kustomize").chmod(0o755)
    script = (
        "import os, signal, threading, time\n"
        "def end():\n"
        f"    while not os.path.exists({str(started)!r}): time.sleep(0.02)\n"
        f"    os.kill(os.getpid(), signal.{name})\n"
        "threading.Thread(target=end, daemon=True).start()\n"
        "from modelyard.cli import main\nmain()"
    )
    argv = [MODELYARD[0], "-c", script, "check", str(one_model), "--no-cache", "--jobs", "1", "--backend", "processes"]
    variables = {**environment, "PATH": f"{slow}:{environment['PATH']}", "MODELYARD_DATA_DIR": str(slow)}
    done = subprocess.run(argv, env=variables, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == code, done.stderr
    assert done.stderr == said
    assert "Traceback" not in done.stderr
    if pgrep := shutil.which("pgrep"):
        assert subprocess.run([pgrep, "-f", f"^{sleep}"], capture_output=True, check=False).returncode == 1
