"""From a repository with findings to a gate that fails on new ones: baselines, revisions, selections, severities."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelyard.checking import CheckOptions, check
from modelyard.checking.baseline import read_baseline
from modelyard.checking.selection import require_known_names, selected
from modelyard.cli.application import application
from modelyard.findings import At, ExitCode, Finding, Place, UserError
from modelyard.tooling.git import git as of_git

Tree = Callable[[dict[str, str]], Path]

APPLICATION = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  project: default
  source: {repoURL: "https://git.example.com/a.git", path: web}
  destination: {namespace: web}
"""
BROKEN = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: first}\nnoSuchField: 1\n"


def run(*words: str, expected: int = 0) -> str:
    """Run a command in this process, and return what it prints."""
    result = CliRunner().invoke(application(), list(words))
    assert result.exit_code == expected, result.output
    return result.output


def git(root: Path, *words: str) -> None:
    """Run Git in a repository."""
    of_git(root, "-c", "user.name=a", "-c", "user.email=a@example.com", *words, check=True)


def test_from_a_clone_to_a_gate(tree: Tree, tmp_path: Path) -> None:
    """The six commands of docs/adopting.md."""
    origin = tree({"web.yaml": APPLICATION, "web/a.yaml": BROKEN})
    git(origin, "init", "-q")
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "begin")
    clone = tmp_path.parent / f"{tmp_path.name}-clone"
    shutil.copytree(origin, clone)
    baseline = clone / ".modelyard-baseline.json"
    run("check", str(clone), expected=ExitCode.FINDINGS)
    run("check", str(clone), "--baseline", str(baseline), "--write-baseline")
    git(clone, "switch", "-qc", "modelyard")
    git(clone, "add", baseline.name)
    git(clone, "commit", "-qm", "check: begin with what is there")
    assert "1 known before" in run("check", str(clone), "--baseline", str(baseline))

    manifest = clone / "web" / "a.yaml"
    manifest.write_text(f"# moved\n\n{BROKEN}")
    run("check", str(clone), "--baseline", str(baseline))
    manifest.write_text(f"{BROKEN}---\n{BROKEN.replace('first', 'other')}")
    run("check", str(clone), "--baseline", str(baseline), expected=ExitCode.FINDINGS)
    assert "other" in run("check", str(clone), "--since", "HEAD", "-q", expected=ExitCode.FINDINGS)
    manifest.write_text(BROKEN.replace("noSuchField: 1\n", ""))
    assert "no longer found" in run("check", str(clone), "--baseline", str(baseline))
    run("check", str(clone), "--baseline", str(baseline), "--write-baseline")
    assert not read_baseline(baseline)


@pytest.mark.parametrize("content", ["", "[]", '{"version": 9, "findings": []}', '{"version": 1, "findings": [1]}'])
def test_what_is_no_baseline_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(content)
    with pytest.raises(UserError, match="not a baseline"):
        read_baseline(path)


def test_a_baseline_quotes_nothing(tree: Tree, tmp_path: Path) -> None:
    root = tree({"web.yaml": APPLICATION, "web/a.yaml": BROKEN})
    baseline = tmp_path / "b.json"
    run("check", str(root), "--baseline", str(baseline), "--write-baseline")
    entries = json.loads(baseline.read_text())["findings"]
    assert [(each["rule"], each["file"], each["count"]) for each in entries] == [
        ("schema/invalid-resource", "web/a.yaml", 1)
    ]
    assert "noSuchField" not in baseline.read_text()


@pytest.mark.parametrize(
    ("select", "ignore", "expected"),
    [
        ([], [], ["network/caller-denied", "serving/missing-shm"]),
        (["network"], [], ["network/caller-denied"]),
        (["network/*"], ["network/caller-denied"], []),
        ([], ["network"], ["serving/missing-shm"]),
        (["network/caller-denied"], ["network"], ["network/caller-denied"]),
        (["serving", "network"], ["serving"], ["network/caller-denied"]),
    ],
)
def test_the_closer_name_wins(select: list[str], ignore: list[str], expected: list[str]) -> None:
    findings = [Finding(At(Place("a")), "", rule=each) for each in ("network/caller-denied", "serving/missing-shm")]
    assert [each.rule for each in selected(findings, select, ignore)] == expected


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(UserError, match="no rule or area netwrok"):
        require_known_names(CheckOptions(select=("netwrok",)))


@pytest.mark.parametrize(("severity", "code"), [("warning", 0), ("off", 0), ("error", 1)])
def test_the_settings_say_how_bad_a_finding_is(tree: Tree, severity: str, code: int) -> None:
    settings = f"version: 1\nseverities: {{schema/invalid-resource: {severity}}}\n"
    root = tree({"web.yaml": APPLICATION, "web/a.yaml": BROKEN, "modelyard.yaml": settings})
    run("check", str(root), expected=code)


def test_a_waiver_may_name_an_area(tree: Tree) -> None:
    waiver = "{rule: schema/*, path: web, reason: this is a test of waivers, expires: 2999-01-01}"
    root = tree({"web.yaml": APPLICATION, "web/a.yaml": BROKEN, "modelyard.yaml": f"version: 1\nwaivers: [{waiver}]\n"})
    assert [each.rule for each in check(root, CheckOptions(policies=False)).waived] == ["schema/invalid-resource"]


def test_a_stream_is_checked() -> None:
    result = CliRunner().invoke(application(), ["check", "-"], input=BROKEN)
    assert result.exit_code == ExitCode.FINDINGS
    assert "manifests.yaml:4:1" in result.output
    assert CliRunner().invoke(application(), ["check", "-"], input="").exit_code == ExitCode.USAGE
