"""Every rule, held against its own cases on base repositories that the real template makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
from tests.rules import examples

HEADINGS = ["What it finds", "Why it breaks serving", "Example", "Fix", "Configuration", "References"]
PLACE = re.compile(r"[^:]+(:\d+:\d+)?")


def cases() -> list[Any]:
    """Return every case of every rule; the first that fails and the first that passes are for every day.

    Those run their rule alone. The others, which are slow, run beside all rules, so that none stumbles over one.
    """
    found = []
    for rule in rules().values():
        seen: set[bool] = set()
        for case in yaml.safe_load((rule.folder / "cases.yaml").read_text()):
            outcome = bool(case["expect"])
            marks = [pytest.mark.slow] if outcome in seen else []
            seen.add(outcome)
            shown = outcome and not marks  # on the page of the rule
            # What is said of decisions depends on whether everything was checked.
            select = () if marks or rule.judgement else (rule.id,)
            found.append(pytest.param(rule, case, shown, select, id=f"{rule.id}: {case['name']}", marks=marks))
    return found


@pytest.fixture(scope="module")
def copies(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(bases, tmp_path_factory.mktemp("cases"))


@pytest.mark.parametrize(("rule", "case", "shown", "select"), cases())
def test_case(
    rule: Rule,
    case: dict[str, Any],
    shown: bool,
    select: tuple[str, ...],
    copies: Copies,
    pytestconfig: pytest.Config,
) -> None:
    with copies.changed(case["repository"], case) as root:
        if "charts" in case:
            keep(root, case["charts"])
        report = check(root, CheckOptions(policies=False, select=select))
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
    if shown:
        page = rule.page.read_text()
        if pytestconfig.getoption("--write-examples"):
            rule.page.write_text(examples.with_example(page, examples.printed(report, rule)))
        else:
            assert examples.shown(page) == examples.printed(report, rule), "its page is not current: --write-examples"


def test_every_rule_has_a_page_and_cases() -> None:
    problems = [f"{rule.id}: {problem}" for rule in rules().values() for problem in _problems(rule)]
    assert problems == []


def _problems(rule: Rule) -> Iterator[str]:
    page = rule.page.read_text()
    if not page.startswith(f"# {rule.id}\n"):
        yield "the page begins with the rule's id"
    if [line[3:] for line in page.splitlines() if line.startswith("## ")] != HEADINGS:
        yield f"the page's headings are {', '.join(HEADINGS)}"
    if not rule.summary:
        yield "the rule's function says in one line what breaks"
    if "/".join(rule.folder.parts[-2:]) != rule.id.replace("-", "_"):
        yield "the folder is the id"
    listed = yaml.safe_load((rule.folder / "cases.yaml").read_text())
    places = [place for case in listed for place in case["expect"]]
    if not places or all(case["expect"] for case in listed):
        yield "one case fails, and one passes"
    if not all(PLACE.fullmatch(place) for place in places) or not any(":" in place for place in places):
        yield "a failing case has its exact line and column"


@pytest.mark.parametrize("name", repositories.names())
def test_base_repository_is_clean(name: str, bases: Mapping[str, Path]) -> None:
    report = check(bases[name], CheckOptions(policies=False))
    assert [(f.rule, str(f.at.place()), f.message) for f in report.findings] == []
    read = Files(bases[name])
    for path in read.below(("yaml", "yml")):
        with suppress(MalformedYAML):  # text that is no YAML, such as the templates of a chart
            written = documents(path, read.text(path))
            assert read.documents(path) == written, "what checks share is as it was read: nobody changes it"
