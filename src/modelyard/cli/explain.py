"""`modelyard explain`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import verb
from modelyard.cli.options import AsJson
from modelyard.findings import ExitCode, UserError
from modelyard.wording import nearest

if TYPE_CHECKING:
    from modelyard.reporting import Line
    from modelyard.rules import Rule


@verb
def command(
    rule: Annotated[
        str | None,
        typer.Argument(
            help="A rule such as fit/kv-cache-too-small, or an area such as fit.",
            autocompletion=completing.rules,
            show_default=False,
        ),
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", "-l", help="List every rule.")] = False,
    as_json: AsJson = False,
) -> int:
    """Explain a rule: what it finds, why it breaks serving, and how to fix it."""
    from modelyard.rules import rules

    known = rules()
    if list_all or rule is None:
        _list(list(known.values()), as_json=as_json)
        return ExitCode.CLEAN
    name = rule.strip().rstrip("/")
    area = [each for each in known.values() if each.area == name]
    if area:
        _list(area, as_json=as_json)
        return ExitCode.CLEAN
    if name not in known:
        raise UserError(f"there is no rule {rule}", fix=_nearest(name, known))
    if as_json:
        content = {**_summary(known[name]), "page": _page(known[name])}
        from modelyard.reporting import inert_json

        sys.stdout.write(inert_json(content))
    else:
        _show_page(_page(known[name]))
    return ExitCode.CLEAN


def _nearest(name: str, known: Mapping[str, Rule]) -> str:
    near = nearest(name, known)
    if not near:
        # Someone may remember the name and not the area.
        by_name = {each.partition("/")[2]: each for each in known}
        near = by_name.get(nearest(name.rpartition("/")[2], by_name), "")
    return f"did you mean {near}?" if near else "modelyard explain --list names every rule"


def _page(rule: Rule) -> str:
    return rule.page.read_text(encoding="utf-8")


def _summary(rule: Rule) -> dict[str, str]:
    return {
        "id": rule.id,
        "severity": rule.severity.label,
        "since": rule.since,
        "summary": rule.summary,
        "url": rule.url,
    }


def _list(listed: list[Rule], *, as_json: bool) -> None:
    from modelyard.cli.terminal import look_of, show
    from modelyard.reporting import wrapped

    if as_json:
        from modelyard.reporting import inert_json

        sys.stdout.write(inert_json([_summary(rule) for rule in listed]))
        return
    width = look_of(sys.stdout).width
    column = max(len(rule.id) for rule in listed) + 2
    lines: list[Line] = []
    for rule in listed:
        lead: Line = [
            (rule.id.ljust(column), "strong"),
            (rule.severity.label, rule.severity.label),
            (" " * (9 - len(rule.severity.label)), "plain"),
        ]
        if width is not None and width < column + 9 + 30:
            lines.append(lead)
            lines += wrapped([("  ", "plain")], rule.summary, "plain", width=width, indent=2)
        else:
            lines += wrapped(lead, rule.summary, "plain", width=width, indent=column + 9)
    show(lines)


def _show_page(page: str) -> None:
    from modelyard.cli.terminal import look_of

    look = look_of(sys.stdout)
    if not look.terminal:
        sys.stdout.write(page if page.endswith("\n") else page + "\n")
        return
    from modelyard.cli.pages import show_markdown

    show_markdown(page, width=min(look.width or 80, 100), colour=look.colour)
