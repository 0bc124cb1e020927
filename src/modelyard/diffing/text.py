"""A comparison for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from modelyard.diffing.model import ApplicationChange, Comparison, EnvironmentChange, Hazard, Kind, ResourceChange
from modelyard.diffing.outcome import outcome, unscheduled
from modelyard.diffing.wording import (
    ARROW,
    closing,
    engine_lines,
    resource_lines,
    resource_title,
    restarted,
    summary,
    told,
    value,
)
from modelyard.findings import Finding, Severity
from modelyard.reporting import Line, Presentation, drawn, duration, listed, visible, wrapped

_SIGNS = {"-": "error", "+": "good", " ": "faint"}
_KINDS = {Kind.REMOVED: "error", Kind.RENAMED: "warning", Kind.CHANGED: "strong", Kind.ADDED: "good"}
_LABEL = 12


def write(comparison: Comparison, stream: TextIO, presentation: Presentation) -> None:
    """Write the comparison as text; `quiet` leaves out the resources."""
    stream.writelines(drawn(_lines(comparison, presentation), colour=presentation.colour, ascii=presentation.ascii))


def _lines(comparison: Comparison, presentation: Presentation) -> Iterator[Line]:
    for environment in comparison.environments:
        if environment.differs or environment.unchanged:
            yield from _environment(environment, presentation)
            yield []
    style = "strong" if any(each.differs for each in comparison.environments) else "good"
    cost = f"({duration(comparison.seconds)}, {_reading(comparison)})"
    yield from wrapped([], f"{visible(closing(comparison))} {cost}", style, width=presentation.width, indent=2)


def _reading(comparison: Comparison) -> str:
    if not comparison.rendered:
        return "no Application had to be rendered"
    return f"{comparison.from_cache:,} of {comparison.rendered:,} renderings from cache"


def _environment(change: EnvironmentChange, presentation: Presentation) -> Iterator[Line]:
    width = presentation.width
    yield from wrapped(
        [(visible(change.name), "strong"), (": ", "plain")], visible(outcome(change)), "plain", width=width, indent=4
    )
    yield from wrapped([("  ", "plain")], visible(summary(change)), "faint", width=width, indent=4)
    if unscheduled(change):
        yield from _labelled("error", unscheduled(change), "plain", width, 2, "error")
    yield from _findings("new", change.new_findings or (), width)
    for fact in change.facts:
        yield from _labelled("fact", f"{fact.path} {value(fact.before)}{ARROW}{value(fact.after)}", "plain", width, 2)
    yield from _hazards(change.hazards, width, 2)
    for application in change.applications:
        yield from _application(application, presentation)
    for resource in change.resources:
        yield from _resource(resource, presentation, 2)
    for reach in change.reach:
        text = f"{reach.folder} is used by {listed(list(reach.applications), most=6)}"
        yield from _labelled("reach", text, "plain", width, 2)
    if change.unchanged:
        text = f"{listed(change.unchanged, most=6)} use a changed file; their manifests are identical"
        yield from _labelled("same", text, "faint", width, 2)
    for gap in change.not_compared:
        fix = f"; {gap.fix}" if gap.fix else ""
        yield from _labelled("not compared", f"{gap.subject}: {gap.reason}{fix}", "gap", width, 2)
    yield from _findings("gone", change.gone_findings, width)


def _application(change: ApplicationChange, presentation: Presentation) -> Iterator[Line]:
    width = presentation.width
    lead: Line = [("  ", "plain"), (visible(change.name), _KINDS[change.kind]), ("  ", "plain")]
    yield from wrapped(lead, visible(told(change)), "plain", width=width, indent=6)
    for name, (before, after) in change.columns.items():
        if before or after:
            yield from _labelled(name, both(before, after), "plain", width, 4)
    yield from _hazards(change.hazards, width, 4)
    for restart in change.restarts:
        yield from _labelled("restarts", f"{restart.workload}: {restarted(restart)}", "plain", width, 4)
    for line in engine_lines(change.engine) if change.engine else ():
        yield from _labelled("engine", line, "plain", width, 4)
    for resource in change.resources:
        yield from _resource(resource, presentation, 4)


def _resource(change: ResourceChange, presentation: Presentation, indent: int) -> Iterator[Line]:
    yield [(" " * indent, "plain"), (visible(resource_title(change)), _KINDS[change.kind])]
    # A new resource is long, and its model's line has said what matters.
    if presentation.quiet or change.kind is Kind.ADDED:
        return
    for sign, line in resource_lines(change):
        yield [(" " * (indent + 2), "plain"), (f"{sign} {visible(line)}", _SIGNS[sign])]


def _hazards(hazards: Iterable[Hazard], width: int | None, indent: int) -> Iterator[Line]:
    for hazard in hazards:
        yield from _labelled(hazard.severity.label, hazard.message, "plain", width, indent, hazard.severity.label)


def _findings(word: str, findings: Iterable[Finding], width: int | None) -> Iterator[Line]:
    for finding in sorted(findings, key=lambda each: -(each.severity or Severity.ERROR)):
        severity = (finding.severity or Severity.ERROR).label
        text = f"{severity} {finding.rule} {finding.at.place()}: {finding.message}"
        yield from _labelled(word, text, "plain", width, 2, severity if word == "new" else "good")


def _labelled(
    label: str, text: str, style: str, width: int | None, indent: int, label_style: str = "faint"
) -> Iterator[Line]:
    lead: Line = [(" " * indent, "plain"), (label.ljust(_LABEL), label_style), (" ", "plain")]
    yield from wrapped(lead, visible(text), style, width=width, indent=indent + _LABEL + 1)


def both(before: str, after: str) -> str:
    """Return the text of a column before and after, once where they are the same."""
    if not before or before == after:
        return after
    return f"{before}{ARROW}{after}" if after else f"was {before}"
