"""The formats that machines read: valid by their own schema, complete, and not to be deceived by a repository."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from modelyard.findings import At, Finding, Place, Report, Severity
from modelyard.reporting import FORMATS, Presentation
from modelyard.reporting.json_v1 import ReportV1, schema
from modelyard.rules.registry import Rule

Written = Callable[..., str]
SARIF_SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.4.json").read_text())


@pytest.fixture
def rules(tmp_path: Path) -> dict[str, Rule]:
    """One known rule, with its page."""
    (tmp_path / "rule.md").write_text("# fit/kv-cache-too-small\n\nWhat it finds.", encoding="utf-8")
    summary = "A cache that is too small."
    known = Rule("fit/kv-cache-too-small", Severity.ERROR, "0.1.0", summary, None, None, tmp_path)
    return {known.id: known}


def sarif_run(text: str) -> dict[str, Any]:
    log = json.loads(text)
    jsonschema.Draft4Validator(SARIF_SCHEMA).validate(log)
    (run,) = log["runs"]
    return dict(run)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("which", ["report", "hostile", "empty"])
def test_no_format_writes_a_control_character(
    request: pytest.FixtureRequest, written: Written, format: str, which: str
) -> None:
    text = written(request.getfixturevalue(which), format)
    assert text == "" or text.endswith("\n")
    text.encode("utf-8")
    assert not [
        character for character in text if character != "\n" and ord(character) in {*range(32), *range(127, 160)}
    ]


@pytest.mark.parametrize("which", ["report", "hostile", "empty"])
def test_json_is_what_its_schema_says(request: pytest.FixtureRequest, written: Written, which: str) -> None:
    content = json.loads(written(request.getfixturevalue(which), "json"))
    jsonschema.Draft202012Validator(schema()).validate(content)
    assert content["version"] == 1
    # Nothing is written that the schema does not describe: the models refuse unknown fields.
    ReportV1.model_validate(content)


def test_json_holds_everything(report: Report, written: Written, rules: dict[str, Rule]) -> None:
    report.waived = [report.findings.pop()]
    content = json.loads(written(report, "json", Presentation(rules=rules)))
    assert [finding["rule"] for finding in content["findings"]] == ["fit/kv-cache-too-small", "kustomize/name-differs"]
    assert content["findings"][0]["place"] == {
        "file": "overlays/qwen3-32b-vllm-gpu/vllm.yaml",
        "line": 3,
        "column": 16,
        "end_column": 21,
        "precision": "exact",
        "text": "max-model-len: 40960",
    }
    assert content["findings"][0]["help"] == rules["fit/kv-cache-too-small"].url
    assert content["findings"][1]["help"] is None
    assert content["waived"][0]["rule"] == "secrets/missing-secret"
    assert content["summary"]["exit_code"] == 1
    assert [environment["not_checked"] for environment in content["environments"]] == [1, 1]


def test_json_schema_accepts_fields_added_later(report: Report, written: Written) -> None:
    content = json.loads(written(report, "json"))
    content["findings"][0]["added_in_0_2"] = True
    jsonschema.Draft202012Validator(schema()).validate(content)
    del content["findings"][0]["rule"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(content)


@pytest.mark.parametrize("which", ["report", "hostile", "empty"])
def test_sarif_is_valid_and_always_has_results(request: pytest.FixtureRequest, written: Written, which: str) -> None:
    report = request.getfixturevalue(which)
    run = sarif_run(written(report, "sarif"))
    assert len(run["results"]) == len(report.findings)


def test_sarif_schema_can_fail() -> None:
    with pytest.raises(jsonschema.ValidationError):
        sarif_run('{"version": "2.1.0", "runs": [{"results": []}]}')


def test_sarif_places_are_relative_to_the_checkout(report: Report, written: Written) -> None:
    report.findings.append(Finding(At(Place("a b/c:d#é.yaml")), "m", rule="a/b", severity=Severity.NOTE))
    run = sarif_run(written(report, "sarif", Presentation(path_prefix="deploy/")))
    uris = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]]
    assert uris[0] == "deploy/overlays/qwen3-32b-vllm-gpu/vllm.yaml"
    assert unquote(uris[-1]) == "deploy/a b/c:d#é.yaml"
    assert not [uri for uri in uris if uri.startswith("/") or ":" in uri or " " in uri]
    assert str(report.root) not in written(report, "sarif")


def test_sarif_carries_the_page_of_a_rule(report: Report, written: Written, rules: dict[str, Rule]) -> None:
    run = sarif_run(written(report, "sarif", Presentation(rules=rules)))
    known, *others = run["tool"]["driver"]["rules"]
    assert known["help"]["markdown"] == "# fit/kv-cache-too-small\n\nWhat it finds."
    assert known["helpUri"] == rules["fit/kv-cache-too-small"].url
    assert known["defaultConfiguration"] == {"level": "error"}
    assert [rule["id"] for rule in others] == ["kustomize/name-differs", "secrets/missing-secret"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_tells_gaps_as_notifications(report: Report, written: Written) -> None:
    report.not_checked[1] = replace(report.not_checked[1], accepted="vendored next month")
    run = sarif_run(written(report, "sarif", Presentation(fail_on=Severity.ERROR, strict=True)))
    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == 1
    assert [note["level"] for note in invocation["toolExecutionNotifications"]] == ["warning", "note"]
    assert "chart kuberay-operator 1.5.1" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_sarif_fingerprints_differ_and_do_not_follow_lines(report: Report, written: Written) -> None:
    first = report.findings[0]
    report.findings = [first, first]
    prints = [
        result["partialFingerprints"]["modelyard/v1"] for result in sarif_run(written(report, "sarif"))["results"]
    ]
    assert len(set(prints)) == 2
    moved = replace(first, at=At(replace(first.at.place(), line=30, text=None)))
    report.findings = [moved]
    (again,) = sarif_run(written(report, "sarif"))["results"]
    assert again["partialFingerprints"]["modelyard/v1"] == prints[0]


def test_junit_has_a_suite_per_environment_and_a_case_per_application(report: Report, written: Written) -> None:
    report.findings.append(
        Finding(At(Place("modelyard.yaml", 4, 1)), "expired", rule="waivers/expired", severity=Severity.ERROR)
    )
    root = ET.fromstring(written(report, "junit"))  # noqa: S314
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["dev", "prod", "repository"]
    assert len(suites["dev"]) == 11
    assert suites["dev"].get("skipped") == "1"
    assert suites["prod"].get("failures") == "1"
    failure = suites["prod"].find("testcase[@name='qwen3-32b']/failure")
    assert failure is not None
    assert failure.get("type") == "fit/kv-cache-too-small"
    assert "vllm.yaml:3:16: error" in (failure.text or "")
    warned = suites["prod"].find("testcase[@name='chat']")
    assert warned is not None
    assert warned.find("failure") is None
    assert "name it chat" in (warned.findtext("system-out") or "")
    assert suites["repository"].find("testcase[@name='waivers/expired']/failure") is not None
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("15", "2", "2")


def test_junit_follows_fail_on_and_strict(report: Report, written: Written) -> None:
    root = ET.fromstring(written(report, "junit", Presentation(fail_on=Severity.WARNING, strict=True)))  # noqa: S314
    assert (root.get("failures"), root.get("errors"), root.get("skipped")) == ("2", "2", "0")


def test_junit_of_a_hostile_report_keeps_its_shape(hostile: Report, written: Written) -> None:
    root = ET.fromstring(written(hostile, "junit"))  # noqa: S314
    assert [(len(suite), suite.tag) for suite in root] == [(1, "testsuite")]


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read workflow commands as the runner does."""
    found = []
    for line in text.splitlines():
        assert line.startswith("::")
        head, _, data = line[2:].partition("::")
        command, _, listed = head.partition(" ")
        pairs = (pair.partition("=") for pair in listed.split(","))
        found.append((command, {name: decoded(value) for name, _, value in pairs}, decoded(data)))
    return found


def decoded(text: str) -> str:
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_github_annotations(report: Report, written: Written) -> None:
    found = commands(written(report, "github", Presentation(path_prefix="deploy/")))
    assert [command for command, _, _ in found] == ["error", "warning", "warning", "notice"]
    assert found[0][1] == {
        "file": "deploy/overlays/qwen3-32b-vllm-gpu/vllm.yaml",
        "line": "3",
        "col": "16",
        "endColumn": "20",
        "title": "fit/kv-cache-too-small in prod",
    }
    assert found[0][2].endswith("for 7 such requests")


def many(finding: Finding, count: int) -> list[Finding]:
    """Return findings of as many causes, each with words of its own."""
    return [replace(finding, message=f"{finding.message} {number}") for number in range(count)]


def test_github_shows_at_most_ten_of_a_kind_and_counts_the_rest(report: Report, written: Written) -> None:
    report.not_checked = []
    report.findings = many(report.findings[0], 10)
    assert len(commands(written(report, "github"))) == 10
    report.findings = many(report.findings[0], 25)
    found = commands(written(report, "github"))
    assert len(found) == 10
    assert found[-1][2].startswith("16 further errors")


def test_github_commands_cannot_be_injected(hostile: Report, written: Written) -> None:
    found = commands(written(hostile, "github"))
    assert [command for command, _, _ in found] == ["error", "notice"]
    assert set(found[0][1]) == {"file", "line", "col", "title"}
    assert "owned" in found[0][2]


def test_markdown_of_a_hostile_report_is_plain(hostile: Report, written: Written) -> None:
    text = written(hostile, "markdown")
    for construct in ("**b**", "<b>", "](", "[red]"):
        assert construct not in text
    for reference in ("@team", "#1"):
        assert reference not in unescape(text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert [row.count("|") for row in rows] == [6, 6, 6]


def test_markdown_fits_a_comment(report: Report, written: Written) -> None:
    report.findings = [*many(report.findings[1], 1000), report.findings[0]]
    text = written(report, "markdown")
    assert len(text) < 65_536
    assert "further findings" in text
    assert text.index("**error**") < text.index("**warning**")


@pytest.mark.parametrize("which", ["report", "hostile", "empty"])
def test_gitlab_gets_what_a_code_quality_report_has(
    request: pytest.FixtureRequest, written: Written, which: str
) -> None:
    told: Report = request.getfixturevalue(which)
    entries = json.loads(written(told, "gitlab"))
    assert len(entries) == len(told.findings)
    assert len({each["fingerprint"] for each in entries}) == len(entries), "GitLab shows one of each fingerprint"
    for each in entries:
        assert set(each) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert each["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert each["description"] and each["check_name"]
        path, begin = each["location"]["path"], each["location"]["lines"]["begin"]
        assert isinstance(begin, int) and begin >= 1
        assert path and not path.startswith(("/", "./"))
