"""JUnit XML, as CI servers read it: one test suite an environment, one test case an Application.

What concerns an environment as a whole, or the repository, is a test case named after its rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import TextIO

from modelyard.findings import Finding, NotChecked, Report
from modelyard.reporting.presentation import Presentation
from modelyard.reporting.visible import visible
from modelyard.reporting.wording import severity_of

REPOSITORY = "repository"


@dataclass(slots=True)
class _Case:
    """One test case, before it is written."""

    failures: list[Finding] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)
    gaps: list[NotChecked] = field(default_factory=list)

    def verdict(self, strict: bool) -> str:
        """Return the attribute of the test suite that counts this case, empty when it passes."""
        if self.failures:
            return "failures"
        if any(not gap.accepted for gap in self.gaps):
            return "errors" if strict else "skipped"
        return ""


def write(report: Report, stream: TextIO, presentation: Presentation) -> None:
    """Write the report as JUnit XML."""
    suites = _suites(report, presentation)
    everything = [case for cases in suites.values() for case in cases.values()]
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    totals = _totals(everything, presentation.strict)
    stream.write(f"<testsuites{_attributes(name='modelyard check', **totals, time=f'{report.seconds:.3f}')}>\n")
    for name, cases in suites.items():
        stream.write(f"  <testsuite{_attributes(name=name, **_totals(list(cases.values()), presentation.strict))}>\n")
        for title, case in cases.items():
            stream.writelines(f"{line}\n" for line in _case(name, title, case, presentation.strict))
        stream.write("  </testsuite>\n")
    stream.write("</testsuites>\n")


def _suites(report: Report, presentation: Presentation) -> dict[str, dict[str, _Case]]:
    suites: dict[str, dict[str, _Case]] = defaultdict(lambda: defaultdict(_Case))
    for summary in report.environments:
        cases = suites[summary.name]
        for application in summary.application_names:
            cases[application] = _Case()
    for finding in report.findings:
        case = suites[finding.environment or REPOSITORY][finding.application or finding.rule]
        (case.failures if severity_of(finding) >= presentation.fail_on else case.remarks).append(finding)
    for gap in report.not_checked:
        suites[gap.environment or REPOSITORY][gap.application or gap.rule or str(gap.subject)].gaps.append(gap)
    return suites


def _totals(cases: list[_Case], strict: bool) -> dict[str, str]:
    verdicts = [case.verdict(strict) for case in cases]
    return {"tests": str(len(cases)), **{name: str(verdicts.count(name)) for name in ("failures", "errors", "skipped")}}


def _case(suite: str, title: str, case: _Case, strict: bool) -> Iterator[str]:
    body: list[str] = []
    verdict = case.verdict(strict)
    gaps = [_gap(gap) for gap in case.gaps]
    if verdict == "failures":
        first = case.failures[0]
        rules = ", ".join(dict.fromkeys(finding.rule for finding in case.failures))
        text = "\n".join(line for finding in case.failures for line in _finding(finding))
        body.append(f"<failure{_attributes(message=first.message, type=rules)}>{_content(text)}</failure>")
    elif verdict == "errors":
        body.append(f"<error{_attributes(message=gaps[0], type='not-checked')}>{_content(chr(10).join(gaps))}</error>")
    elif verdict == "skipped":
        body.append(f"<skipped{_attributes(message=gaps[0])}/>")
    remarks = [line for finding in case.remarks for line in _finding(finding)]
    if verdict in ("", "failures") or len(gaps) > 1:
        remarks += gaps
    if remarks:
        body.append(f"<system-out>{_content(chr(10).join(remarks))}</system-out>")
    opening = f"    <testcase{_attributes(classname=suite, name=title)}"
    if not body:
        yield f"{opening}/>"
        return
    yield f"{opening}>"
    for element in body:
        yield f"      {element}"
    yield "    </testcase>"


def _finding(finding: Finding) -> Iterator[str]:
    place = visible(str(finding.at.place()))
    yield f"{place}: {severity_of(finding).label} {visible(finding.rule)}"
    yield f"  {visible(finding.message)}"
    if finding.fix:
        yield f"  fix: {visible(finding.fix)}"


def _gap(gap: NotChecked) -> str:
    why = "; ".join(part for part in (gap.reason, gap.accepted or gap.fix) if part)
    return visible(f"{'accepted' if gap.accepted else 'not checked'}: {gap.subject} ({why})")


def _attributes(**values: str) -> str:
    return "".join(f' {name}="{escape(visible(value), quote=True)}"' for name, value in values.items())


def _content(text: str) -> str:
    return escape(text, quote=False)
