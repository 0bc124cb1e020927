"""The comment on a pull request: one for each environment, within what a host accepts.

Whatever comes from the repository is made inert: outside of code blocks every character that Markdown, HTML or GitHub
give a meaning to is an entity, and a code block has a fence that is longer than any in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from modelyard.diffing.model import ApplicationChange, Comparison, EnvironmentChange, Kind, ResourceChange
from modelyard.diffing.text import both
from modelyard.diffing.wording import (
    ARROW,
    engine_lines,
    headline,
    resource_lines,
    resource_title,
    restarted,
    told,
    value,
)
from modelyard.findings import Severity
from modelyard.reporting import listed, visible
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
_COLUMNS = ("fits", "objectives", "runs on", "$/month")
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
    page = _Page(int(limit * _HEAD_SHARE))
    page.lines([f"{marker(change.name)}\n### {_plain(change.name)}: {_plain(headline(change))}\n"])
    page.section("", (f"- {_fact(fact.path, fact.before, fact.after)}\n" for fact in change.facts))
    page.section("", _warnings(change))
    page.table(_header(change), [_row(each, _columns(change)) for each in change.applications if each.model])
    page.section(
        "**Other Applications**",
        (f"- **{_plain(each.name)}** {_plain(told(each))}\n" for each in change.applications if not each.model),
    )
    page.section("**Restarts**", _restarts(change))
    page.section("**Engine**", _engines(change))
    page.section("**Reach**", _reach(change))
    page.section(
        "**New findings**",
        (
            f"- **{(each.severity or Severity.ERROR).label}** {_plain(each.rule)} {_plain(str(each.at.place()))}: "
            f"{_plain(each.message)}\n"
            for each in change.new_findings or ()
        ),
    )
    if change.gone_findings:
        page.lines([f"\nMended: {counted(len(change.gone_findings), 'finding')}.\n"])
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


class _Page:
    """Markdown that grows as long as there is room."""

    def __init__(self, room: int) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.room = room
        self.left_out = 0

    @property
    def text(self) -> str:
        """Return what was written."""
        return "".join(self.parts)

    def always(self, text: str) -> None:
        """Write text for which room was kept."""
        self.parts.append(text)
        self.length += len(text)

    def fits(self, text: str) -> bool:
        """Write text if there is room, and return whether there was."""
        if len(text) > self.room:
            return False
        self.room -= len(text)
        self.always(text)
        return True

    def lines(self, lines: Iterable[str]) -> None:
        """Write as many lines as there is room for."""
        for line in lines:
            if not self.fits(line):
                self.left_out += 1

    def section(self, title: str, items: Iterable[str]) -> None:
        """Write a title with its items, if there are any."""
        held = list(items)
        if held and self.fits(f"\n{title}\n\n" if title else "\n"):
            self.lines(held)
        else:
            self.left_out += len(held)

    def table(self, header: str, rows: list[str]) -> None:
        """Write a table, if there are rows."""
        if rows and self.fits(header):
            self.lines(rows)
            self.fits("\n")


def _columns(change: EnvironmentChange) -> list[str]:
    present = {name for each in change.applications if each.model for name, cells in each.columns.items() if any(cells)}
    return [name for name in _COLUMNS if name in present]


def _header(change: EnvironmentChange) -> str:
    columns = ["model", "change", *_columns(change)]
    return f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"


def _row(change: ApplicationChange, columns: list[str]) -> str:
    name = _plain(change.name)
    cells = [name if change.kind is Kind.CHANGED else f"**{name}**", _plain(told(change))]
    cells += [_plain(both(*change.columns.get(column, ("", "")))) for column in columns]
    return f"| {' | '.join(cells)} |\n"


def _warnings(change: EnvironmentChange) -> Iterator[str]:
    """Yield consequences, deletions and renames first."""
    hazards = [*change.hazards, *(hazard for each in change.applications for hazard in each.hazards)]
    first = ("deletion", "rename")
    for hazard in sorted(hazards, key=lambda each: (each.topic not in first, -each.severity)):
        yield f"- **{hazard.severity.label}** {_plain(hazard.message)}\n"


def _restarts(change: EnvironmentChange) -> Iterator[str]:
    for each in change.applications:
        for restart in each.restarts:
            yield f"- {_plain(each.name)}: {_plain(restarted(restart))}\n"


def _engines(change: EnvironmentChange) -> Iterator[str]:
    for each in change.applications:
        for line in engine_lines(each.engine) if each.engine else ():
            yield f"- {_plain(each.name)}: {_plain(line, 1000)}\n"


def _reach(change: EnvironmentChange) -> Iterator[str]:
    for each in change.reach:
        yield f"- {_plain(each.folder)} reaches {_plain(listed(list(each.applications), most=6))}\n"
    if change.unchanged:
        yield f"- {_plain(listed(change.unchanged, most=6))} use a changed file; their manifests are identical\n"


def _fact(path: str, before: object, after: object) -> str:
    return f"{_plain(path)} {_plain(value(before))}{ARROW}{_plain(value(after))}"


def _details(change: EnvironmentChange, page: _Page) -> int:
    """Write the resources that differ as far as there is room, and return how many are left out."""
    blocks = [_block(resource, f"{each.name}: ") for each in change.applications for resource in each.resources] + [
        _block(resource, "") for resource in change.resources
    ]
    if not blocks:
        return 0
    applications = counted(sum(bool(each.resources) for each in change.applications), "application")
    opening = f"\n<details><summary>Rendered changes ({applications}, {counted(len(blocks), 'resource')})</summary>\n\n"
    if not page.fits(opening):
        return len(blocks)
    left_out = 0
    for block in blocks:
        # From the first that does not fit on, all are left out: the most telling ones come first.
        left_out += bool(left_out) or not page.fits(block)
    page.always("</details>\n")
    return left_out


def _block(change: ResourceChange, owner: str) -> str:
    lines = [f"{sign} {visible(line)}" for sign, line in resource_lines(change)]
    title = f"**{_plain(owner + resource_title(change))}**\n"
    if not lines:
        return f"{title}\n"
    # Another tool that looks for a marker anywhere in a comment must not find one here.
    content = "\n".join(lines).replace("<!--", "<! --")
    fence = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(content)), default=0))
    return f"{title}\n{fence}diff\n{content}\n{fence}\n\n"


def _plain(text: str, longest: int = _LONGEST) -> str:
    return inert(text if len(text) <= longest else f"{text[:longest]}…")


def _address(text: str) -> str:
    return text if re.fullmatch(r"https://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+", text) else ""
