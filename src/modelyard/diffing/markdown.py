"""The comment on a pull request: one for each environment, within what a host accepts.

Whatever comes from the repository is made inert: outside of code blocks every character that Markdown, HTML or GitHub
give a meaning to is an entity, and a code block has a fence that is longer than any in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import starmap, takewhile
from typing import TextIO

from modelyard.diffing.bars import COST_LEGEND, LEGEND, cost_bars, memory_bars
from modelyard.diffing.costs import MONTHLY, difference_text, provenance, rest_of
from modelyard.diffing.model import ApplicationChange, Comparison, EnvironmentChange, Kind, MonthlyCost, ResourceChange
from modelyard.diffing.outcome import outcome, unscheduled
from modelyard.diffing.page import Page
from modelyard.diffing.text import both
from modelyard.diffing.wording import (
    ARROW,
    engine_lines,
    resource_lines,
    resource_title,
    restarted,
    summary,
    told,
    value,
)
from modelyard.findings import Severity
from modelyard.reporting import listed, visible
from modelyard.reporting.causes import causes
from modelyard.reporting.markdown import inert
from modelyard.wording import counted

LIMIT = 65_536
"""Characters that GitHub accepts in a comment."""

GITLAB_LIMIT = 500_000
"""Characters of a note. GitLab accepts 1 MiB (https://gitlab.com/gitlab-org/gitlab/-/merge_requests/18617); ours has
characters of two and three bytes."""

ARTIFACT = "the artifact of this run"
_RESERVE = 1_200  # what is said of things left out, and closing tags
_LONGEST = 300
_HEAD_SHARE = 0.6
_COLUMNS = ("fits", "objectives", "runs on", MONTHLY)
_ALIGNMENT = {MONTHLY: "--:|"}
_MOST_BARS = 12
_BACKTICKS = re.compile(r"`+")


def marker(environment: str) -> str:
    """Return the hidden first line by which the comment of an environment is found and updated."""
    return f"<!-- modelyard:{re.sub(r'[^A-Za-z0-9._-]', '-', environment)} -->"


def write(comparison: Comparison, stream: TextIO, artifact: str = "", limit: int = LIMIT) -> None:
    """Write the comments of every environment that differs, one after the other."""
    concerned = [each for each in comparison.environments if each.differs]
    for change in concerned:
        stream.write(comment(change, comparison, artifact, limit))
    if not concerned:
        stream.write(f"Nothing changes in any cluster between {inert(comparison.base)} and {inert(comparison.head)}.\n")


def comment(change: EnvironmentChange, comparison: Comparison, artifact: str = "", limit: int = LIMIT) -> str:
    """Return the comment of one environment, at most `limit` characters long.

    Args:
        change: The environment.
        comparison: What it is part of.
        artifact: Address of the whole text, for what is left out; none when empty.
        limit: Characters that the host accepts.
    """
    page = Page(int(limit * _HEAD_SHARE))
    page.lines([f"{marker(change.name)}\n### {_plain(change.name)}: {_plain(outcome(change))}\n"])
    page.section("", [f"{_plain(summary(change))}\n"])
    page.section("**Errors**", _said(change, Severity.ERROR))
    page.section("**Warnings**", _said(change, Severity.WARNING))
    _models(change, page)
    page.section("**Restarts**", _restarts(change))
    page.section(
        "**Platform**",
        (f"- **{_plain(each.name)}** {_plain(told(each))}\n" for each in change.applications if not each.model),
    )
    page.section("**Environment**", (f"- {_fact(fact.path, fact.before, fact.after)}\n" for fact in change.facts))
    page.section("**Engine**", _engines(change))
    page.section("**Shared files**", _reach(change))
    page.section("**Notes**", _said(change, Severity.NOTE))
    if change.gone_findings:
        page.lines([f"\nFixed: {counted(len(causes(change.gone_findings)), 'finding')}.\n"])
    page.section(
        "**Not compared**",
        (f"- {_plain(str(each.subject))}: {_plain(each.reason)}\n" for each in change.not_compared),
    )
    page.room = limit - _RESERVE - page.length
    left_out = _details(change, page)
    if left_out or page.left_out:
        where = f"[{ARTIFACT}](<{_address(artifact)}>)" if _address(artifact) else ARTIFACT
        said = counted(left_out, "resource") if left_out else counted(page.left_out, "line")
        page.always(f"\n{said} left out here for length; {where} has everything.\n")
    page.always(f"\n<sub>{_plain(comparison.base)} and {_plain(comparison.head)} compared by modelyard diff</sub>\n")
    return page.text


def _said(change: EnvironmentChange, severity: Severity) -> Iterator[str]:
    """Yield what is to be told with a severity: new findings, then consequences, deletions and renames first."""
    if severity is Severity.ERROR and unscheduled(change):
        yield f"- {_plain(unscheduled(change), 1000)}\n"
    found = [each for each in causes(change.new_findings or ()) if each.severity is severity]
    for cause in found:
        fix = f"<br>fix: {_plain(cause.finding.fix)}" if cause.finding.fix and severity is not Severity.NOTE else ""
        yield f"- {_plain(cause.message)}<br>{_plain(cause.finding.rule)} at {_plain(str(cause.place))}{fix}\n"
    first = ("deletion", "rename")
    hazards = sorted(change.all_hazards, key=lambda each: each.topic not in first)
    for message in dict.fromkeys(hazard.message for hazard in hazards if hazard.severity is severity):
        yield f"- {_plain(message)}\n"


def _models(change: EnvironmentChange, page: Page) -> None:
    """Write the table of models with its total, and what they take of memory and money as bars."""
    models = [each for each in change.applications if each.model]
    columns = _columns(change)
    rows = [_row(each, columns) for each in models]
    if change.cost is not None and (rows or _costs_differ(change.cost)):
        rows += list(_totals(change, columns))
    names = ["model", "change", *columns]
    page.table(f"\n| {' | '.join(names)} |\n|{''.join(_ALIGNMENT.get(name, '---|') for name in names)}\n", rows)
    memory = list(memory_bars(models[:_MOST_BARS]))
    if memory:
        page.fits(f"\n**Memory of one device**\n\n{_fenced('text', [*memory, LEGEND])}")
    cost = list(cost_bars(change.cost)) if change.cost is not None else []
    if cost and change.cost is not None and _costs_differ(change.cost):
        page.fits(f"\n**Cost of the environment**\n\n{_fenced('text', [*cost, COST_LEGEND])}")
    if change.cost is not None:
        page.lines([f"\n<sub>{_plain(provenance(change.cost), 1000)}</sub>\n"])


def _costs_differ(cost: MonthlyCost) -> bool:
    return cost.difference not in (None, (0.0, 0.0))


def _columns(change: EnvironmentChange) -> list[str]:
    present = {name for each in change.applications if each.model for name, cells in each.columns.items() if any(cells)}
    if change.cost is not None:
        present.add(MONTHLY)
    return [name for name in _COLUMNS if name in present]


def _row(change: ApplicationChange, columns: list[str]) -> str:
    name = _plain(change.name)
    cells = [name if change.kind is Kind.CHANGED else f"**{name}**", _plain(told(change))]
    cells += [_plain(both(*change.columns.get(column, ("", "")))) for column in columns]
    return f"| {' | '.join(cells)} |\n"


def _totals(change: EnvironmentChange, columns: list[str]) -> Iterator[str]:
    """Yield what the rest of the environment costs more or less, where it does, and the sum."""
    assert change.cost is not None  # noqa: S101 - decided by the caller
    rest = rest_of(change)
    for name, text in (("other pods and services", rest), ("**total**", difference_text(change.cost))):
        if text:
            cells = [name, "", *(f"**{_plain(text)}**" if column == MONTHLY else "" for column in columns)]
            yield f"| {' | '.join(cells)} |\n"


def _restarts(change: EnvironmentChange) -> Iterator[str]:
    said = ((each.name, restarted(restart)) for each in change.applications for restart in each.restarts)
    return _told_once(said, _LONGEST)


def _engines(change: EnvironmentChange) -> Iterator[str]:
    lines = ((each.name, line) for each in change.applications if each.engine for line in engine_lines(each.engine))
    return _told_once(lines, 1000)


def _told_once(said: Iterable[tuple[str, str]], longest: int) -> Iterator[str]:
    """Yield each sentence once, after the names of the Applications of which it is true."""
    names: dict[str, dict[str, None]] = {}
    for name, text in said:
        names.setdefault(text, {})[name] = None
    for text, each in names.items():
        yield f"- {_plain(listed(list(each), most=6))}: {_plain(text, longest)}\n"


def _reach(change: EnvironmentChange) -> Iterator[str]:
    for each in change.reach:
        yield f"- {_plain(each.folder)} is used by {_plain(listed(list(each.applications), most=6))}\n"
    if change.unchanged:
        yield f"- {_plain(listed(change.unchanged, most=6))} use a changed file; their manifests are identical\n"


def _fact(path: str, before: object, after: object) -> str:
    return f"{_plain(path)} {_plain(value(before))}{ARROW}{_plain(value(after))}"


def _details(change: EnvironmentChange, page: Page) -> int:
    """Write the resources that differ as far as there is room, and return how many are left out."""
    resources = [(resource, f"{each.name}: ") for each in change.applications for resource in each.resources]
    resources += [(resource, "") for resource in change.resources]
    if not resources:
        return 0
    applications = counted(sum(bool(each.resources) for each in change.applications), "application")
    opening = (
        f"\n<details><summary>Rendered changes ({applications}, {counted(len(resources), 'resource')})</summary>\n\n"
    )
    if not page.fits(opening):
        return len(resources)
    # From the first that does not fit on, all are left out: the most telling ones come first.
    written = sum(1 for _ in takewhile(page.fits, starmap(_block, resources)))
    page.always("</details>\n")
    return len(resources) - written


def _block(change: ResourceChange, owner: str) -> str:
    lines = [f"{sign} {line}" for sign, line in resource_lines(change)]
    title = f"**{_plain(owner + resource_title(change))}**\n"
    if not lines:
        return f"{title}\n"
    return f"{title}\n{_fenced('diff', lines)}\n"


def _fenced(language: str, lines: Iterable[str]) -> str:
    """Return lines as a code block whose fence is longer than any run of backticks in them."""
    # Another tool that looks for a marker anywhere in a comment must not find one here.
    content = "\n".join(map(visible, lines)).replace("<!--", "<! --")
    fence = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(content)), default=0))
    return f"{fence}{language}\n{content}\n{fence}\n"


def _plain(text: str, longest: int = _LONGEST) -> str:
    return inert(text if len(text) <= longest else f"{text[:longest]}…")


def _address(text: str) -> str:
    return text if re.fullmatch(r"https://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+", text) else ""
