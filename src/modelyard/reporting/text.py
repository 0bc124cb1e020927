"""A report for people: each finding with its source, then each environment, then one closing sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import TextIO

from modelyard.findings import EnvironmentSummary, NotChecked, Precision, Report
from modelyard.reporting.causes import Cause, causes
from modelyard.reporting.excerpts import excerpt
from modelyard.reporting.presentation import Presentation
from modelyard.reporting.styling import Line, drawn, style_of, wrapped
from modelyard.reporting.visible import cells, visible
from modelyard.reporting.wording import duration, listed, tally
from modelyard.wording import counted

# Reasons for gaps that are listed; the JSON report has all of them.
_MOST_GAPS = 20
_MOST_ENVIRONMENTS = 20

_PRECISION = {
    Precision.FILE: "place: known to the file only",
    Precision.KUSTOMIZATION: "place: known to the kustomization only",
}


def write(report: Report, stream: TextIO, presentation: Presentation) -> None:
    """Write the report as text."""
    found = causes(report.findings)
    stream.writelines(drawn(_report(report, found, presentation), colour=presentation.colour, ascii=presentation.ascii))


def _report(report: Report, found: list[Cause], presentation: Presentation) -> Iterator[Line]:
    shown, folded = _folded(found, presentation)
    for cause in shown:
        yield from _block(cause, presentation)
        yield []
    for rule, count in folded.items():
        noun = "finding" if count == 1 else "findings"
        yield [(f"{count:,} more {noun} of {visible(rule)}", "strong"), (" (--all shows them)", "faint")]
    if folded:
        yield []
    if report.gone and not presentation.quiet:
        gone = f"{counted(report.gone, 'finding')} of the baseline no longer found"
        yield [(gone, "plain"), (" (--write-baseline takes them out)", "faint")]
        yield []
    if not presentation.quiet:
        summary = [
            *_environments(report, presentation.width, presentation.fold is not None),
            *_gaps(report.not_checked, presentation.width),
        ]
        yield from summary
        if summary:
            yield []
    yield from _closing(report, found, presentation)


def _folded(found: list[Cause], presentation: Presentation) -> tuple[list[Cause], dict[str, int]]:
    """Return the findings that are shown in full, and how many more there are of each rule.

    One mistake often has many places; a reader learns nothing from the tenth.
    """
    if presentation.fold is None:
        return found, {}
    counts = Counter(cause.finding.rule for cause in found)
    seen: Counter[str] = Counter()
    shown: list[Cause] = []
    for cause in found:
        rule = cause.finding.rule
        seen[rule] += 1
        if seen[rule] <= presentation.fold or counts[rule] <= presentation.fold + 2:
            shown.append(cause)
    return shown, {rule: n - presentation.fold for rule, n in counts.items() if n > presentation.fold + 2}


def _block(cause: Cause, presentation: Presentation) -> Iterator[Line]:
    finding, place, width = cause.finding, cause.place, presentation.width
    rule = visible(finding.rule)
    yield [
        (visible(str(place)), "strong"),
        (": ", "plain"),
        (cause.severity.label, style_of(cause.severity)),
        (f" {rule}", "plain"),
    ]
    yield from wrapped([("  ", "plain")], visible(cause.message), "plain", width=width, indent=2)
    yield from excerpt(place, cause.severity, finding.detail, width)
    if place.precision in _PRECISION:
        yield [("  ", "plain"), (_PRECISION[place.precision], "faint")]
    if finding.fix:
        lead: Line = [("  ", "plain"), ("fix:", "fix"), (" ", "plain")]
        yield from wrapped(lead, visible(finding.fix), "plain", width=width, indent=7)
    if rule and (not presentation.rules or finding.rule in presentation.rules):
        yield [(f"  modelyard explain {rule}", "faint")]


def _environments(report: Report, width: int | None, fold: bool) -> Iterator[Line]:
    """Yield one row per environment, in columns where they fit; of many, those without findings share one."""
    shown, quiet = list(report.environments), list[EnvironmentSummary]()
    if fold and len(shown) > _MOST_ENVIRONMENTS:
        told = {finding.environment for finding in report.findings}
        shown, quiet = [each for each in shown if each.name in told], [each for each in shown if each.name not in told]
    others = [_sum(quiet)] if quiet else []
    verdicts = [_verdict(report, {each.name}) for each in shown]
    verdicts += [_verdict(report, {each.name for each in quiet}) for _ in others]
    rows = [
        (visible(summary.name), count, verdict)
        for summary, count, verdict in zip((*shown, *others), _counts([*shown, *others]), verdicts, strict=True)
    ]
    concerned = [finding.environment for finding in report.findings] + [
        gap.environment for gap in _open(report.not_checked)
    ]
    if "" in concerned:
        rows.append(("(repository)", ("", "", ""), _verdict(report, {""})))
    if not rows:
        return
    name_width = max(cells(name) for name, _, _ in rows)
    columns = [max(len(count[i]) for _, count, _ in rows) for i in range(3)]
    for name, count, verdict in rows:
        lead = [(name, "strong"), (" " * (name_width - cells(name) + 3), "plain")]
        applications, models, resources = (text.ljust(columns[i]) for i, text in enumerate(count))
        middle = f"{applications}  {models}   {resources}   "
        length = name_width + 3 + len(middle) + sum(len(text) for text, _ in verdict)
        if width is None or length <= width:
            yield [*lead, (middle, "plain"), *verdict]
            continue
        said = "".join(text for text, _ in verdict)
        if name_width + 3 + len(said) <= width:
            yield [*lead, *verdict]
        else:
            yield from wrapped(lead, said, "plain", width=width, indent=name_width + 3)
        if any(count):
            narrow = ", ".join(text.strip() for text in count)
            yield from wrapped([(" " * (name_width + 3), "plain")], narrow, "faint", width=width, indent=name_width + 3)


def _sum(summaries: Sequence[EnvironmentSummary]) -> EnvironmentSummary:
    """Return what environments are together."""
    return EnvironmentSummary(
        f"({counted(len(summaries), 'other')} without findings; --all lists them)",
        sum(each.applications for each in summaries),
        sum(each.models for each in summaries),
        sum(each.resources for each in summaries),
    )


def _counts(summaries: Sequence[EnvironmentSummary]) -> list[tuple[str, str, str]]:
    """Return the three counts of each environment, numbers aligned to the right."""

    def column(numbers: list[int], noun: str) -> list[str]:
        texts = [counted(number, noun) for number in numbers]
        widest = max((len(f"{number:,}") for number in numbers), default=0)
        return [" " * (widest - len(f"{number:,}")) + text for number, text in zip(numbers, texts, strict=True)]

    return list(
        zip(
            column([summary.applications for summary in summaries], "application"),
            column([summary.models for summary in summaries], "model"),
            column([summary.resources for summary in summaries], "resource"),
            strict=True,
        )
    )


def _verdict(report: Report, environments: Set[str]) -> Line:
    """Return `ok`, or what was found in some environments, then what was not checked in them."""
    found = causes(finding for finding in report.findings if finding.environment in environments)
    pieces: Line = [(text, style_of(severity)) for severity, text in tally(cause.severity for cause in found)] or [
        ("ok", "good")
    ]
    gaps = sum(1 for gap in _open(report.not_checked) if gap.environment in environments)
    if gaps:
        pieces.append((f"{gaps:,} not checked", "gap"))
    return _joined(pieces)


def _joined(pieces: Line) -> Line:
    line: Line = []
    for piece in pieces:
        line += [(", ", "plain"), piece] if line else [piece]
    return line


def _open(gaps: Iterable[NotChecked]) -> list[NotChecked]:
    return [gap for gap in gaps if not gap.accepted]


def _gaps(gaps: list[NotChecked], width: int | None) -> Iterator[Line]:
    """Yield one line per reason why something was not checked, then the gaps that the team has accepted."""
    for label, style, chosen in (
        ("not checked:", "gap", _open(gaps)),
        ("accepted:", "faint", [gap for gap in gaps if gap.accepted]),
    ):
        groups: dict[tuple[str, str, str], dict[str, None]] = {}
        for gap in chosen:
            groups.setdefault((gap.reason, gap.fix, gap.accepted), {})[visible(str(gap.subject))] = None
        for (reason, fix, accepted), subjects in list(groups.items())[:_MOST_GAPS]:
            why = "; ".join(visible(part) for part in (reason, accepted or fix) if part)
            text = f"{listed(list(subjects))} ({why})"
            yield from wrapped([(label, style), (" ", "plain")], text, "plain", width=width, indent=2)
        if len(groups) > _MOST_GAPS:
            rest = counted(len(groups) - _MOST_GAPS, "further reason")
            yield [(label, style), (f" {rest}; --format json lists them", "plain")]


def _closing(report: Report, causes_found: list[Cause], presentation: Presentation) -> Iterator[Line]:
    found = _joined([(text, style_of(severity)) for severity, text in tally(cause.severity for cause in causes_found)])
    pieces: Line = found or [("nothing was looked at", "warning") if report.saw_nothing else ("no findings", "good")]
    pieces = [*pieces, (f" in {counted(len(report.environments), 'environment')}", "plain")]
    gaps = len(_open(report.not_checked))
    if report.waived:
        pieces.append((f", {len(report.waived):,} waived", "plain"))
    if report.known:
        pieces.append((f", {len(report.known):,} known before", "plain"))
    if report.incomplete_applications:
        pieces.append((f", {counted(report.incomplete_applications, 'application')} not fully checked", "plain"))
    elif gaps:
        pieces.append((f", {gaps:,} not checked", "plain"))
    time = duration(report.seconds)
    if report.cached_applications:
        time += f", {report.cached_applications:,} of {counted(report.applications, 'application')} from cache"
    pieces.append((f" ({time})", "faint"))
    text = "".join(piece for piece, _ in pieces)
    if presentation.width is not None and len(text) > presentation.width:
        yield from wrapped([], text, "plain", width=presentation.width, indent=2)
    else:
        yield pieces
    if presentation.strict and gaps and not any(cause.severity >= presentation.fail_on for cause in causes_found):
        yield [(f"--strict: {counted(gaps, 'gap')} in the check, so it does not pass", "gap")]
