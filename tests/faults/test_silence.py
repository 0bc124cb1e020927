"""No finding on repositories that are right: every day's edits of the bases, and repositories of other people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.checking import CheckOptions, check
from tests.faults.catalogue import HERE, benign_edits
from tests.faults.harness import Copies, complaints

WANTED = 50
FOREIGN = HERE / "foreign"
JUDGED: dict[str, Any] = yaml.safe_load((FOREIGN / "judged.yaml").read_text())


@pytest.fixture(scope="module")
def copies(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(bases, tmp_path_factory.mktemp("benign"))


@pytest.mark.parametrize("edits", [pytest.param(each, id=each["name"]) for each in benign_edits()])
def test_nothing_is_said_of_an_ordinary_edit(edits: dict[str, Any], copies: Copies) -> None:
    changes = {key: value for key, value in edits.items() if key not in ("name", "repository")}
    assert changes, "an edit that changes nothing shows nothing"
    with copies.changed(edits["repository"], changes) as root:
        assert complaints(root) == []


def test_there_are_many_ordinary_edits() -> None:
    assert len({each["name"] for each in benign_edits()}) >= WANTED


@pytest.mark.parametrize("name", sorted(JUDGED))
def test_findings_on_other_peoples_repositories_are_the_judged_ones(name: str) -> None:
    report = check(FOREIGN / name, CheckOptions(policies=False))
    judged = JUDGED[name]
    assert [f"{each.rule} {each.at.place()}" for each in report.findings] == [
        entry["finding"] for entry in judged["findings"]
    ]
    assert set(judged["not-checked"]) <= {str(gap.subject) for gap in report.not_checked}


def test_every_foreign_repository_is_judged() -> None:
    assert set(JUDGED) == {path.name for path in FOREIGN.iterdir() if path.is_dir()}
