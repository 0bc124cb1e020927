"""From what rules say to what is reported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from modelyard.checking.postprocess import processed, shown
from modelyard.findings import At, Finding, NotChecked, Place, Severity
from modelyard.repository import Repository

TODAY = date(2026, 11, 30)
SETTINGS = """
version: 1
waivers:
  - rule: fit/tight-memory
    path: overlays/chat
    reason: measured on the device itself
    expires: 2026-12-31
  - rule: fit/tight-memory
    path: overlays/search
    reason: measured on the device itself
    expires: 2026-11-01
accepted-gaps:
  - subject: chart *
    reason: rendered by another team
    expires: 2026-12-31
"""


class Counting:
    """An address that counts how often it is looked up."""

    def __init__(self, place: Place) -> None:
        self.known = place
        self.calls = 0

    def place(self) -> Place:
        self.calls += 1
        return self.known


@pytest.fixture
def repository(tree: Callable[[dict[str, str]], Path]) -> Repository:
    return Repository(tree({"modelyard.yaml": SETTINGS, "overlays/chat/vllm.yaml": "model: a\n"}))


def finding(place: Place, message: str = "it is tight", **fields: Any) -> Finding:
    return Finding(Counting(place), message, rule="fit/tight-memory", severity=Severity.WARNING, **fields)


def test_every_address_is_looked_up_once_waived_ones_included(repository: Repository) -> None:
    said = [finding(Place("overlays/chat/vllm.yaml", 1, 1)), finding(Place("overlays/other/vllm.yaml", 1, 1))]
    outcome = processed(repository, shown(repository.files, said), [], TODAY, whole=False)
    for reported in (*outcome.findings, *outcome.waived):
        assert isinstance(reported.at, At)
        reported.at.place()
    assert [each.at.calls for each in said if isinstance(each.at, Counting)] == [1, 1]
    assert [str(each.at.place()) for each in outcome.waived] == ["overlays/chat/vllm.yaml:1:1"]


def test_waivers_that_expired_cover_nothing_and_are_findings_with_their_places(repository: Repository) -> None:
    said = [finding(Place("overlays/search/vllm.yaml", 3, 5))]
    outcome = processed(repository, shown(repository.files, said), [], TODAY, whole=False)
    assert [(each.rule, str(each.at.place())) for each in outcome.findings] == [
        ("modelyard/expired-waiver", "modelyard.yaml:11:14"),
        ("fit/tight-memory", "overlays/search/vllm.yaml:3:5"),
    ]
    assert all(isinstance(each.at, At) for each in outcome.findings)


def test_what_two_applications_say_of_one_line_is_said_once(repository: Repository) -> None:
    place = Place("overlays/other/vllm.yaml", 2, 1)
    said = [finding(place, application="chat"), finding(place, application="search")]
    outcome = processed(repository, shown(repository.files, said), [], TODAY, whole=False)
    assert [each.application for each in outcome.findings if each.rule == "fit/tight-memory"] == ["chat"]


def test_secrets_are_hidden_in_what_rules_say(repository: Repository) -> None:
    said = [finding(Place("overlays/other/vllm.yaml", 1, 1), "token hf_abcdefghijklmnopqrstuvwxyz012345 is written")]
    outcome = processed(repository, shown(repository.files, said), [], TODAY, whole=False)
    (told,) = [each.message for each in outcome.findings if each.rule == "fit/tight-memory"]
    assert "hf_abc" not in told


def test_gaps_are_merged_and_accepted(repository: Repository) -> None:
    gap = NotChecked("chart karpenter 1.0.0", "not in the cache", environment="dev", application="karpenter")
    other = NotChecked("schemas", "kubeconform is not installed")
    outcome = processed(repository, [], [gap, gap, other], TODAY, whole=False)
    assert [(each.subject, each.accepted) for each in outcome.gaps] == [
        ("chart karpenter 1.0.0", "rendered by another team"),
        ("schemas", ""),
    ]
