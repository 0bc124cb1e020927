"""SARIF 2.1.0 (OASIS, https://docs.oasis-open.org/sarif/sarif/v2.1.0/), as code scanning reads it.

Gaps are notifications of the run, not results: a host that lists results would show them as alerts in a file.
Waived findings are left out for the same reason: not every host honours `suppressions`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote

from modelyard import __version__
from modelyard.findings import Finding, NotChecked, Place, Precision, Report, Severity
from modelyard.reporting.fingerprints import fingerprint
from modelyard.reporting.presentation import SOURCE, Presentation
from modelyard.reporting.visible import inert_json, visible
from modelyard.reporting.wording import severity_of

if TYPE_CHECKING:
    from modelyard.rules import Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_GAP = "not-checked"
_PRECISION = {Precision.EXACT: "very-high", Precision.FILE: "high", Precision.KUSTOMIZATION: "medium"}


def write(report: Report, stream: TextIO, presentation: Presentation) -> None:
    """Write the report as SARIF; `results` is there even when it is empty."""
    rules = {name: index for index, name in enumerate(dict.fromkeys(finding.rule for finding in report.findings))}
    seen: Counter[str] = Counter()
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "modelyard",
                        "semanticVersion": __version__,
                        "informationUri": SOURCE,
                        "notifications": [{"id": _GAP, "shortDescription": {"text": "Something was not checked."}}],
                        "rules": [_rule(name, presentation.rules.get(name)) for name in rules],
                    }
                },
                "invocations": [_invocation(report, presentation)],
                "originalUriBaseIds": {_ROOT: {"description": {"text": "Root of the Git checkout."}}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, rules, presentation, seen) for finding in report.findings],
            }
        ],
    }
    stream.write(inert_json(log))


def _invocation(report: Report, presentation: Presentation) -> dict[str, Any]:
    return {
        "executionSuccessful": True,
        "exitCode": int(report.exit_code(presentation.fail_on, presentation.strict)),
        "toolExecutionNotifications": [_notification(gap) for gap in report.not_checked],
    }


def _notification(gap: NotChecked) -> dict[str, Any]:
    text = f"not checked: {gap.subject} ({gap.reason})"
    notification: dict[str, Any] = {
        "descriptor": {"id": _GAP},
        "level": "note" if gap.accepted else "warning",
        "message": {"text": visible(f"{text}; {gap.fix}" if gap.fix else text)},
        "properties": _known(environment=gap.environment, application=gap.application, accepted=gap.accepted),
    }
    if gap.rule:
        notification["associatedRule"] = {"id": visible(gap.rule)}
    return notification


def _rule(name: str, rule: Rule | None) -> dict[str, Any]:
    identifier = visible(name) or "unnamed"
    if rule is None:
        return {"id": identifier}
    page = rule.page.read_text(encoding="utf-8") if rule.page.is_file() else rule.summary
    return {
        "id": identifier,
        "name": _pascal(name),
        "shortDescription": {"text": visible(rule.summary)},
        "help": {"text": page, "markdown": page},
        "helpUri": rule.url,
        "defaultConfiguration": {"level": rule.severity.label},
        "properties": {"tags": [rule.area], "problem.severity": _problem_severity(rule.severity)},
    }


def _problem_severity(severity: Severity) -> str:
    """Return the word that GitHub code scanning sorts by."""
    return "recommendation" if severity is Severity.NOTE else severity.label


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace("/", "-").split("-"))


def _result(finding: Finding, rules: dict[str, int], presentation: Presentation, seen: Counter[str]) -> dict[str, Any]:
    place, message = finding.at.place(), visible(finding.message)
    fix = visible(finding.fix)
    return {
        "ruleId": visible(finding.rule) or "unnamed",
        "ruleIndex": rules[finding.rule],
        "kind": "fail",
        "level": severity_of(finding).label,
        "message": {"text": _plain(f"{message}. Fix: {fix}." if fix else f"{message}.")},
        "locations": [{"physicalLocation": _physical_location(place, presentation.path_prefix)}],
        "partialFingerprints": {"modelyard/v1": fingerprint(finding, place, seen)},
        "properties": {
            **_known(environment=finding.environment, application=finding.application, fix=finding.fix),
            "precision": _PRECISION[place.precision],
        },
    }


def _plain(text: str) -> str:
    r"""Return message text whose brackets are no embedded links (SARIF 3.11.6) and braces no placeholders (3.11.5)."""
    text = text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return text.replace("{", "{{").replace("}", "}}")


def _physical_location(place: Place, prefix: str) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(prefix + place.file), "uriBaseId": _ROOT}}
    # Hosts show an alert at a line only, so a place that is a whole file is shown at its first.
    region: dict[str, Any] = {"startLine": place.line or 1}
    if place.line is not None and place.column is not None:
        region["startColumn"] = place.column
        region["endColumn"] = max(place.end_column or 0, place.column + 1)
    if place.line is not None and place.text is not None:
        region["snippet"] = {"text": visible(place.text)}
    location["region"] = region
    return location


def _uri(path: str) -> str:
    """Return a relative URI reference; a colon is escaped, lest what stands before it reads as a scheme."""
    return quote(path.encode("utf-8", "surrogatepass"), safe="/-._~").lstrip("/") or "."


def _known(**properties: str) -> dict[str, str]:
    return {name: visible(value) for name, value in properties.items() if value}
