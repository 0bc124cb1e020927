"""One report of several: of the parts of `--shard`, or of jobs that checked some environments each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from modelyard.findings import At, EnvironmentSummary, Finding, NotChecked, Place, Report, Severity, UserError
from modelyard.reporting.json_v1 import EnvironmentV1, FindingV1, NotCheckedV1, ReportV1

_RUN = "run all parts anew, of one commit, with one version of modelyard"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Part:
    """A report that was read.

    Attributes:
        name: Its file.
        content: What it says.
    """

    name: str
    content: ReportV1


def read_part(name: str, content: Any) -> Part:
    """Return a JSON report.

    Args:
        name: Its file, for messages.
        content: The values of its JSON.

    Raises:
        UserError: It is no report of `modelyard check`.
    """
    try:
        return Part(name, ReportV1.model_validate(content))
    except ValidationError as cause:
        first = cause.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:200]
        raise UserError(
            f"{name} is not a report of this version: {where or 'the file'}: {first['msg']}",
            fix="give what `modelyard check --format json=FILE` wrote",
            at=At(Place(name)),
        ) from None


def merged(parts: Sequence[Part], root: Path) -> Report:
    """Return one report of several. What several of them say is said once; counts are those of one run.

    Args:
        parts: The reports.
        root: The repository's root, for formats that name it.

    Raises:
        UserError: They are of different versions, or a part of `--shard` is missing or given twice.
    """
    _require_all(parts)
    gaps = _once((_gap(each) for part in parts for each in part.content.not_checked), _of_gap)
    findings = _once((_finding(each) for part in parts for each in part.content.findings), _of_finding)
    return Report(
        root,
        environments=_environments([each for part in parts for each in part.content.environments]),
        findings=sorted(findings, key=_order),
        not_checked=gaps,
        waived=_once((_finding(each) for part in parts for each in part.content.waived), _of_finding),
        seconds=max((part.content.summary.seconds for part in parts), default=0.0),
        applications=sum(part.content.summary.applications for part in parts),
        cached_applications=sum(part.content.summary.cached_applications for part in parts),
        incomplete_applications=len({(gap.environment, gap.application) for gap in gaps if gap.application}),
    )


def _require_all(parts: Sequence[Part]) -> None:
    versions = {part.content.tool.version: part.name for part in parts}
    if len(versions) > 1:
        (one, first), (other, second) = list(versions.items())[:2]
        raise UserError(f"{first} is of modelyard {one}, and {second} of {other}", fix=_RUN)
    counts = {part.content.shard.partition("/")[2]: part.name for part in parts if part.content.shard}
    if len(counts) > 1:
        one, other = list(counts)[:2]
        raise UserError(f"{counts[one]} is one of {one} parts, and {counts[other]} one of {other}", fix=_RUN)
    for count in counts:
        seen: dict[str, str] = {}
        for part in parts:
            if not part.content.shard:
                raise UserError(
                    f"{part.name} is no part of {count}, as the others are", fix="merge parts by themselves"
                )
            if part.content.shard in seen:
                raise UserError(
                    f"{seen[part.content.shard]} and {part.name} are both part {part.content.shard}", fix=_RUN
                )
            seen[part.content.shard] = part.name
        missing = [f"{number}/{count}" for number in range(1, int(count) + 1) if f"{number}/{count}" not in seen]
        if missing:
            raise UserError(
                f"{_some(missing)} is not among the reports: what it found would be missing",
                fix=f"check it with --shard {missing[0]} --format json=FILE, and give its report too",
            )


def _some(missing: Sequence[str]) -> str:
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    return f"part {missing[0]}{more}"


def _environments(found: Iterable[EnvironmentV1]) -> list[EnvironmentSummary]:
    known: dict[str, EnvironmentSummary] = {}
    for each in found:
        own = each.resources - each.shared_resources
        before = known.get(each.name)
        if before is None:
            known[each.name] = EnvironmentSummary(
                each.name, each.applications, each.models, each.resources, (), own, each.shared_resources
            )
            continue
        known[each.name] = replace(
            before,
            applications=before.applications + each.applications,
            models=before.models + each.models,
            resources=before.resources + own,
            rendered=(before.rendered or 0) + own,
        )
    return [known[name] for name in sorted(known)]


def _once(said: Iterable[_T], key: Any) -> list[_T]:
    return list({key(each): each for each in reversed(list(said))}.values())[::-1]


def _of_finding(finding: Finding) -> tuple[object, ...]:
    return finding.environment, finding.rule, str(finding.at.place()), finding.message


def _of_gap(gap: NotChecked) -> tuple[object, ...]:
    return gap.subject, gap.reason, gap.environment, gap.application


def _order(finding: Finding) -> tuple[str, int, int, int, str]:
    place = finding.at.place()
    return (place.file, place.line or 0, place.column or 0, -(finding.severity or Severity.ERROR), finding.rule)


def _finding(entry: FindingV1) -> Finding:
    place = entry.place
    return Finding(
        At(Place(place.file, place.line, place.column, place.end_column, place.precision, place.text)),
        entry.message,
        entry.fix,
        tuple(entry.detail),
        entry.rule,
        Severity[entry.severity.upper()],
        entry.environment,
        entry.application,
    )


def _gap(entry: NotCheckedV1) -> NotChecked:
    return NotChecked(
        entry.subject, entry.reason, entry.fix, entry.rule, entry.environment, entry.application, entry.accepted
    )
