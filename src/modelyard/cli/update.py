"""`modelyard update`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import verb
from modelyard.cli.options import Folder
from modelyard.findings import ExitCode, Severity, UserError, source_without_secrets

if TYPE_CHECKING:
    from modelyard.findings import Report
    from modelyard.reporting import Line
    from modelyard.scaffolding import Updated

_MOST_LINES = 12
_MOST_FINDINGS = 10


@verb
def command(
    path: Folder = Path(),
    environment: Annotated[
        str | None,
        typer.Option(
            "--env", "-e", metavar="NAME", help="Update this environment only.", autocompletion=completing.environments
        ),
    ] = None,
    ref: Annotated[
        str | None,
        typer.Option(
            "--ref",
            metavar="REF",
            help="Version of the template.",
            show_default="its newest tag; with --set or --ask, the recorded one",
        ),
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="QUESTION=ANSWER",
            help="Another answer to a question of the template; may be repeated.",
        ),
    ] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask every question again, with the recorded answers as defaults.")
    ] = False,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: take the default of every new question.")
    ] = False,
    template: Annotated[
        str | None,
        typer.Option("--template", metavar="URL", help="The recorded template, when you name it for the first time."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show what would change as a diff; change nothing.")
    ] = False,
    no_check: Annotated[bool, typer.Option("--no-check", help="Do not check the result.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell the outcome as JSON.")] = False,
) -> int:
    """Merge a newer version of the template, or other answers, into a repository; exit 1 with conflicts to resolve."""
    from modelyard.cli.new import answers_given
    from modelyard.cli.terminal import show
    from modelyard.editing import migrate
    from modelyard.reporting import visible
    from modelyard.scaffolding import update

    if ask and defaults:
        raise UserError("--ask and --defaults exclude each other", fix="leave one")
    outcome = update(
        path,
        environment=environment,
        ref=ref,
        interactive=False if defaults else None,
        answers=answers_given(answers or [], "--set"),
        ask=ask,
        dry_run=dry_run,
        migrate=migrate,
        template=template,
        tell=lambda line: show([[(visible(line), "faint")]], sys.stderr),
    )
    report, gap = None, ""
    if any(step.commit for step in outcome.steps) and not (outcome.conflicts or dry_run or no_check):
        report, gap = _checked(path, environment)
    failed = report is not None and report.exit_code(Severity.ERROR, strict=False) is not ExitCode.CLEAN
    code = ExitCode.FINDINGS if failed else outcome.exit_code
    if as_json:
        content: dict[str, Any] = {**asdict(outcome), "hint": outcome.hint, "exit_code": int(code)}
        content["check"] = None if report is None else _counted(report)
        content["not_checked"] = gap
        from modelyard.reporting import json_text

        sys.stdout.write(json_text(content))
        return code
    if dry_run and outcome.diff:
        sys.stdout.writelines(
            f"{visible(line, longest=10_000)}\n" for line in source_without_secrets(outcome.diff).split("\n")
        )
    show([*_lines(outcome, dry_run=dry_run), *_verdict(report, gap)], sys.stderr if dry_run else None)
    return code


def _checked(path: Path, environment: str | None) -> tuple[Report | None, str]:
    """Return what a check says of the result; or why it was not checked."""
    from modelyard.checking import CheckOptions, check
    from modelyard.cli.terminal import Progress

    try:
        with Progress() as progress:
            return check(path, CheckOptions(environments=(environment,) if environment else ()), progress), ""
    except UserError as error:
        return None, error.message


def _counted(report: Report) -> dict[str, Any]:
    counts = {each.label: 0 for each in Severity}
    for finding in report.findings:
        counts[(finding.severity or Severity.ERROR).label] += 1
    return {**counts, "not_checked": len(report.not_checked)}


def _verdict(report: Report | None, gap: str) -> list[Line]:
    from modelyard.reporting import visible

    if report is None:
        return [[("the result is not checked: ", "warning"), (visible(gap), "plain")]] if gap else []
    counts = _counted(report)
    errors = [each for each in report.findings if (each.severity or Severity.ERROR) is Severity.ERROR]
    lines: list[Line] = [
        [(f"{each.at.place()}: ", "strong"), (f"error {each.rule}: ", "error"), (visible(each.message), "plain")]
        for each in errors[:_MOST_FINDINGS]
    ]
    told = f"{counts['error']} errors, {counts['warning']} warnings, {counts['not_checked']} not checked"
    lines.append([("check of the result: ", "strong"), (told, "error" if errors else "plain")])
    if errors:
        lines.append([("next: ", "fix"), ("modelyard check", "plain")])
    return lines


def _lines(outcome: Updated, *, dry_run: bool) -> list[Line]:
    from modelyard.reporting import visible

    lines: list[Line] = []
    for step in outcome.steps:
        commit = f", commit {step.commit[:12]}" if step.commit and not dry_run else ""
        change = f"{step.before} → {step.after}"
        if step.before == step.after:
            change = f"{step.after}, other answers or files" if step.commit else "is current"
        lines.append([(visible(step.subject), "strong"), (f"  {change}{commit}", "plain")])
        lines += [[("  migration: ", "strong"), (visible(each), "plain")] for each in step.migrations]
    for conflict in outcome.details:
        where = f"{conflict.file}:{conflict.line}" if conflict.line else f"{conflict.file} (the whole file)"
        lines.append([("conflict: ", "error"), (visible(where), "plain")])
        for title, texts in (("here", conflict.here), ("template", conflict.template)):
            if conflict.line:
                lines.append([(f"  {title}:" + ("" if texts else " nothing"), "strong")])
            lines += [[(f"    {visible(source_without_secrets(text))}", "plain")] for text in texts[:_MOST_LINES]]
            if len(texts) > _MOST_LINES:
                lines.append([(f"    and {len(texts) - _MOST_LINES} lines more", "faint")])
    lines += [[("answer replaced: ", "warning"), (visible(answer), "plain")] for answer in outcome.replaced_answers]
    if outcome.hint and not dry_run:
        lines += [[], [("next: ", "fix"), (outcome.hint, "plain")]]
    return lines
