"""`modelyard graph`: what it prints, in which forms, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelyard.cli.application import run
from modelyard.findings import ExitCode, UserError


def said(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    try:
        code = run(["graph", *arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == ExitCode.CLEAN
    return capfd.readouterr().out


def test_one_object_with_both_places(bases: Mapping[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    told = said(capfd, "Service/chat", str(bases["one-model"]))
    assert "Service models/chat" in told
    assert "bases/serving/vllm/service.yaml:" in told
    assert "→ Deployment models/chat" in told
    assert "Application" not in told.partition("not checked")[0]


def test_depth_reaches_further(bases: Mapping[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    near = said(capfd, "Service/chat", str(bases["one-model"]), "--format", "json")
    far = said(capfd, "Service/chat", str(bases["one-model"]), "--format", "json", "--depth", "3")
    edges = [json.loads(text)["environments"][0]["edges"] for text in (near, far)]
    assert len(edges[0]) < len(edges[1])
    assert {edge["relation"] for edge in edges[0]} == {"selects", "sends to", "scrapes"}


def test_nothing_is_broken_in_a_right_repository(bases: Mapping[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    told = json.loads(said(capfd, str(bases["one-model"]), "--broken", "--format", "json"))
    assert [each["edges"] for each in told["environments"]] == [[]]


@pytest.mark.parametrize(
    ("format", "first", "edge"), [("mermaid", "flowchart LR", '-->|"selects"|'), ("dot", "digraph modelyard {", "->")]
)
def test_drawings(
    bases: Mapping[str, Path], capfd: pytest.CaptureFixture[str], format: str, first: str, edge: str
) -> None:
    lines = said(capfd, str(bases["one-model"]), "--format", format).splitlines()
    assert lines[0] == first
    assert any(edge in line for line in lines)
    assert any("Deployment models/chat" in line for line in lines)
    assert not any("modelyard-bench" in line for line in lines)


def test_unknown_object_and_format_are_refused(bases: Mapping[str, Path]) -> None:
    with pytest.raises((UserError, SystemExit)):
        run(["graph", "Service/chap", str(bases["one-model"])])
    with pytest.raises((UserError, SystemExit)):
        run(["graph", "--format", "svg", str(bases["one-model"])])
