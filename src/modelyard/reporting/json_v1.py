"""The versioned JSON report; `docs/reference/report-v1.schema.json` is generated from these models.

Within version 1 fields are only added. A field that goes or changes its meaning makes version 2.
"""

from __future__ import annotations

from typing import Any, Literal, TextIO

from pydantic import BaseModel, ConfigDict, Field

from modelyard import __version__
from modelyard.findings import Finding, NotChecked, Precision, Report, Severity, without_credentials
from modelyard.reporting import presentation as shown
from modelyard.reporting.causes import cause_id
from modelyard.reporting.visible import inert_json
from modelyard.reporting.wording import severity_of

SCHEMA_URL = f"{shown.SOURCE}/blob/main/docs/reference/report-v1.schema.json"

Label = Literal["error", "warning", "note"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tool(_Model):
    """What wrote the report."""

    name: Literal["modelyard"] = "modelyard"
    version: str


class PlaceV1(_Model):
    """A place in the repository."""

    file: str = Field(description="Path from the repository's root, with forward slashes.")
    line: int | None = Field(description="Line, counted from 1; null when only the file is known.")
    column: int | None = Field(description="Column, counted from 1 in characters.")
    end_column: int | None = Field(description="Column after the last character of the value.")
    precision: Precision = Field(description="What the place stands for.")
    text: str | None = Field(description="The source line.")


class FindingV1(_Model):
    """One thing that stands in the way."""

    rule: str = Field(description="Name of the rule, `area/name`.")
    severity: Label
    message: str = Field(description="Observed, expected and the object, in one sentence.")
    fix: str = Field(description="The remedy; empty when there is none to name.")
    detail: list[str] = Field(description="Further lines for people.")
    place: PlaceV1
    environment: str = Field(description="Environment concerned; empty for the repository as a whole.")
    application: str = Field(description="Argo CD Application concerned; empty outside one.")
    help: str | None = Field(description="Address of the rule's page; null for a rule of the team's own.")
    cause: str = Field(description="The same for findings that one change of the files mends.")


class NotCheckedV1(_Model):
    """Something that could not be checked; never counted as passed."""

    subject: str
    reason: str
    fix: str = Field(description="What would make it checkable.")
    rule: str = Field(description="The rule that could not decide; empty when a whole layer could not run.")
    environment: str
    application: str
    accepted: str = Field(description="Reason given in modelyard.yaml when the gap is accepted there, else empty.")


class EnvironmentV1(_Model):
    """Counts of one environment."""

    name: str
    applications: int
    models: int
    resources: int
    shared_resources: int = Field(
        default=0,
        description="Those that every part of a check counts: of the app-of-apps and of what install.sh applies.",
    )
    errors: int
    warnings: int
    notes: int
    not_checked: int = Field(description="Gaps that are not accepted.")


class SummaryV1(_Model):
    """Counts of the whole check. A finding that two environments share counts twice here."""

    errors: int
    warnings: int
    notes: int
    waived: int
    not_checked: int = Field(description="Gaps that are not accepted.")
    accepted_gaps: int
    applications: int
    cached_applications: int = Field(description="Applications whose rendering came from the cache.")
    incomplete_applications: int = Field(description="Applications with at least one gap.")
    seconds: float = Field(description="Wall time of the check.")
    exit_code: int = Field(description="Exit code of the command under the `--fail-on` and `--strict` it was given.")


class ReportV1(_Model):
    """What `modelyard check --format json` writes."""

    schema_: str = Field(default=SCHEMA_URL, alias="$schema")
    version: Literal[1] = Field(default=1, description="Version of this format.")
    tool: Tool
    shard: str = Field(
        default="",
        pattern=r"^([1-9][0-9]{0,5}/[1-9][0-9]{0,5})?$",
        description="`I/N` of `--shard I/N`; empty for a whole check.",
    )
    summary: SummaryV1
    environments: list[EnvironmentV1]
    findings: list[FindingV1]
    not_checked: list[NotCheckedV1]
    waived: list[FindingV1] = Field(description="Findings that a waiver in modelyard.yaml covers.")


def write(report: Report, stream: TextIO, presentation: shown.Presentation) -> None:
    """Write the report as JSON."""
    content = report_v1(report, presentation).model_dump(mode="json", by_alias=True)
    # Plain ASCII: whoever prints the file raw meets no control character.
    stream.write(inert_json(content))


def report_v1(report: Report, presentation: shown.Presentation) -> ReportV1:
    """Return the report as the published model."""
    return ReportV1(
        tool=Tool(version=__version__),
        shard=f"{report.shard[0]}/{report.shard[1]}" if report.shard else "",
        summary=SummaryV1(
            **_counts(report.findings),
            waived=len(report.waived),
            not_checked=sum(1 for gap in report.not_checked if not gap.accepted),
            accepted_gaps=sum(1 for gap in report.not_checked if gap.accepted),
            applications=report.applications,
            cached_applications=report.cached_applications,
            incomplete_applications=report.incomplete_applications,
            seconds=round(report.seconds, 3),
            exit_code=report.exit_code(presentation.fail_on, presentation.strict),
        ),
        environments=[_environment(report, index) for index in range(len(report.environments))],
        findings=[_finding(finding, presentation) for finding in report.findings],
        not_checked=[_not_checked(gap) for gap in report.not_checked],
        waived=[_finding(finding, presentation) for finding in report.waived],
    )


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    content = ReportV1.model_json_schema(by_alias=True, mode="serialization")
    _allow_additions(content)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_URL, **content}


def _allow_additions(node: Any) -> None:
    """Drop `additionalProperties: false`: a reader that validates should accept fields added within version 1."""
    if isinstance(node, dict):
        node.pop("additionalProperties", None)
        for value in node.values():
            _allow_additions(value)
    elif isinstance(node, list):
        for value in node:
            _allow_additions(value)


def _counts(findings: list[Finding]) -> dict[str, int]:
    severities = [severity_of(finding) for finding in findings]
    return {
        "errors": severities.count(Severity.ERROR),
        "warnings": severities.count(Severity.WARNING),
        "notes": severities.count(Severity.NOTE),
    }


def _environment(report: Report, index: int) -> EnvironmentV1:
    summary = report.environments[index]
    return EnvironmentV1(
        name=_text(summary.name),
        applications=summary.applications,
        models=summary.models,
        resources=summary.resources,
        shared_resources=summary.shared,
        not_checked=sum(1 for gap in report.not_checked if gap.environment == summary.name and not gap.accepted),
        **_counts([finding for finding in report.findings if finding.environment == summary.name]),
    )


def _finding(finding: Finding, presentation: shown.Presentation) -> FindingV1:
    place, rule = finding.at.place(), presentation.rules.get(finding.rule)
    return FindingV1(
        rule=_text(finding.rule),
        severity=severity_of(finding).label,
        message=_text(finding.message),
        fix=_text(finding.fix),
        detail=[_text(line) for line in finding.detail],
        place=PlaceV1(
            file=_text(place.file),
            line=place.line,
            column=place.column,
            end_column=place.end_column,
            precision=place.precision,
            text=None if place.text is None else _text(place.text),
        ),
        environment=_text(finding.environment),
        application=_text(finding.application),
        help=rule.url if rule else None,
        cause=cause_id(finding),
    )


def _not_checked(gap: NotChecked) -> NotCheckedV1:
    return NotCheckedV1(
        subject=_text(str(gap.subject)),
        reason=_text(gap.reason),
        fix=_text(gap.fix),
        rule=_text(gap.rule),
        environment=_text(gap.environment),
        application=_text(gap.application),
        accepted=_text(gap.accepted),
    )


def _text(text: str) -> str:
    """Return text without credentials that JSON can carry: a name that is not UTF-8 comes as lone surrogates."""
    return without_credentials(text.encode("utf-8", "replace").decode("utf-8"))
