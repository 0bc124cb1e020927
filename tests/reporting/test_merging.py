"""Reports of parts put together; a part that is missing is never passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from modelyard.findings import At, EnvironmentSummary, Finding, NotChecked, Place, Report, Severity, UserError
from modelyard.reporting import Presentation
from modelyard.reporting.json_v1 import report_v1
from modelyard.reporting.merging import merged, read_part


def part(number: tuple[int, int] | None, *applications: str, environment: str = "dev", **fields: Any) -> dict[str, Any]:
    """Return the JSON of a part with a warning about each Application, and one that every part gives."""
    names = (*applications, "")
    findings = [
        Finding(At(Place("a.yaml", 1, 1)), f"of {name}", "", (), "fit/x", Severity.WARNING, environment, name)
        for name in names
    ]
    gaps = [NotChecked("chart x", "not in the cache", environment=environment, application=names[0])]
    summary = EnvironmentSummary(environment, len(applications), 1, len(applications) + 5, shared=5)
    report = Report(Path(), [summary], findings, gaps, applications=len(applications), shard=number, seconds=2.0)
    return {**report_v1(report, Presentation()).model_dump(mode="json", by_alias=True), **fields}


def put_together(*parts: dict[str, Any]) -> Report:
    return merged([read_part(f"{number}.json", each) for number, each in enumerate(parts, 1)], Path())


def test_parts_are_one_report() -> None:
    report = put_together(part((2, 2), "chat", "search"), part((1, 2), "embed"))
    assert report.environments == [EnvironmentSummary("dev", 3, 2, 8, (), 3, 5)]
    assert sorted(each.message for each in report.findings) == ["of ", "of chat", "of embed", "of search"]
    assert len(report.not_checked) == report.incomplete_applications == 2
    assert (report.applications, report.seconds) == (3, 2.0)
    assert (report.exit_code(Severity.ERROR, strict=False), report.exit_code(Severity.WARNING, strict=False)) == (0, 1)
    assert report.exit_code(Severity.ERROR, strict=True) == 3


def test_jobs_of_environments_are_one_report() -> None:
    report = put_together(part(None, "chat"), part(None, "chat", environment="prod"))
    assert [each.name for each in report.environments] == ["dev", "prod"]
    assert len(report.findings) == 4


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([part((1, 3), "a")], "part 2/3 (and 1 more) is not among the reports"),
        ([part((1, 2), "a"), part((1, 2), "a"), part((2, 2), "b")], "1.json and 2.json are both part 1/2"),
        ([part((1, 2), "a"), part((2, 3), "b")], "1.json is one of 2 parts, and 2.json one of 3"),
        ([part((1, 1), "a"), part(None, "b")], "2.json is no part of 1"),
        ([part(None, "a"), part(None, "b", tool={"name": "modelyard", "version": "9"})], "and 2.json of 9"),
        ([part(None, "a", findings=[{}])], "1.json is not a report of this version: findings.0.rule"),
        ([part(None, "a", shard="x")], "1.json is not a report of this version: shard"),
        ([part(None, "a", version=2)], "1.json is not a report of this version: version"),
    ],
)
def test_what_is_no_whole_is_refused(parts: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(UserError) as refusal:
        put_together(*parts)
    assert words in refusal.value.message


def test_ten_thousand_findings_are_put_together() -> None:
    found = part(None, *(f"app-{number}" for number in range(5_000)))
    other = part(None, *(f"app-{number}" for number in range(5_000)), environment="prod")
    assert len(put_together(orjson.loads(orjson.dumps(found)), other).findings) == 10_002
