"""A GitLab Code Quality report (https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format).

GitLab reads it from `artifacts:reports:codequality` and shows in a merge request what comes and goes. It takes a
relative path without `./`, a line, and of several entries with one fingerprint the first only. The format has no place
for what was not checked; the text of the job and its exit code tell that.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, TextIO

from modelyard.findings import Finding, Report, Severity
from modelyard.reporting.fingerprints import fingerprint
from modelyard.reporting.presentation import Presentation
from modelyard.reporting.visible import inert_json, visible
from modelyard.reporting.wording import severity_of

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def write(report: Report, stream: TextIO, presentation: Presentation) -> None:
    """Write every finding that is not waived as one entry of a JSON array."""
    seen: Counter[str] = Counter()
    entries = [_entry(finding, presentation.path_prefix, seen) for finding in report.findings]
    stream.write(inert_json(entries))


def _entry(finding: Finding, prefix: str, seen: Counter[str]) -> dict[str, Any]:
    place = finding.at.place()
    where = f" (environment {finding.environment})" if finding.environment else ""
    fix = f"; fix: {finding.fix}" if finding.fix else ""
    return {
        "description": visible(f"{finding.message}{where}{fix}"),
        "check_name": visible(finding.rule) or "unnamed",
        "fingerprint": fingerprint(finding, place, seen),
        "severity": _SEVERITIES[severity_of(finding)],
        "location": {"path": visible(prefix + place.file), "lines": {"begin": place.line or 1}},
    }
