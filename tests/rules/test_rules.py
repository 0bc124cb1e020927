"""Every rule, held against its own cases on base repositories that the real template makes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.checking import CheckOptions, check
from modelyard.repository import Files
from modelyard.repository.yaml import MalformedYAML, documents
from modelyard.rules import Rule, rules
from tests import repositories
from tests.inventory_charts import keep
from tests.repositories.copies import Copies

HEADINGS = ["What it finds", "Why it breaks serving", "Example", "Fix", "Configuration", "References"]
PLACE = re.compile(r"[^:]+(:\d+:\d+)?")


def cases() -> list[Any]:
    """Return every case of every rule; the first that fails and the first that passes are for every day."""
    found = []
    for rule in rules().values():
        seen: set[bool] = set()
        for case in yaml.safe_load((rule.folder / "cases.yaml").read_text()):
            outcome = bool(case["expect"])
            marks = [pytest.mark.slow] if outcome in seen else []
            seen.add(outcome)
            found.append(pytest.param(rule, case, id=f"{rule.id}: {case['name']}", marks=marks))
    return found


@pytest.fixture(scope="module")
def copies(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(bases, tmp_path_factory.mktemp("cases"))


@pytest.mark.parametrize(("rule", "case"), cases())
def test_case(rule: Rule, case: dict[str, Any], copies: Copies) -> None:
    with copies.changed(case["repository"], case) as root:
        if "charts" in case:
            keep(root, case["charts"])
        report = check(root, CheckOptions(policies=False))
        told = [(finding, str(finding.at.place())) for finding in report.findings]
        edits = [edit for finding in report.findings if finding.rule == rule.id for edit in finding.edits]
        remedy = [[str(edit.operation), str(edit.at.place()), edit.value] for edit in edits]
    said = [(finding, place) for finding, place in told if finding.rule == rule.id]
    assert [place for _, place in said] == case["expect"], "\n".join(
        f"{finding.rule} {place} {finding.message}" for finding, place in told
    )
    for finding, _ in said:
        assert finding.message[-1] != "."
        for wanted in case.get("message", ()):
            assert wanted in finding.message
        for wanted in case.get("fix", ()):
            assert wanted in finding.fix
    assert remedy == case.get("remedy", []), "the edits that mend it: operation, place, value"
    gaps = [str(gap.subject) for gap in report.not_checked if gap.rule == rule.id]
    assert gaps == case.get("not-checked", [])


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.id)
def test_rule_has_page_and_cases(rule: Rule) -> None:
    page = rule.page.read_text()
    assert page.startswith(f"# {rule.id}\n"), "the page begins with the rule's id"
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == HEADINGS
    assert rule.summary, "the rule's function says in one line what breaks"
    expected_folder = rule.id.replace("-", "_")
    assert "/".join(rule.folder.parts[-2:]) == expected_folder, "the folder is the id"
    listed = yaml.safe_load((rule.folder / "cases.yaml").read_text())
    assert any(case["expect"] for case in listed), "a case that fails"
    assert any(not case["expect"] for case in listed), "a case that passes"
    for case in listed:
        assert all(PLACE.fullmatch(place) for place in case["expect"])
    precise = [place for case in listed for place in case["expect"] if ":" in place]
    assert precise, "a failing case with its exact line and column"


@pytest.mark.parametrize("name", repositories.names())
def test_base_repository_is_clean(name: str, bases: Mapping[str, Path]) -> None:
    report = check(bases[name], CheckOptions(policies=False))
    assert [(f.rule, str(f.at.place()), f.message) for f in report.findings] == []
    read = Files(bases[name])
    for path in read.below(("yaml", "yml")):
        with suppress(MalformedYAML):  # text that is no YAML, such as the templates of a chart
            written = documents(path, read.text(path))
            assert read.documents(path) == written, "what checks share is as it was read: nobody changes it"
