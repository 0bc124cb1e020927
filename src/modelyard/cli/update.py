"""`modelyard update`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import verb
from modelyard.cli.options import Folder

if TYPE_CHECKING:
    from modelyard.reporting import Line
    from modelyard.scaffolding import Updated


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
        typer.Option("--ref", metavar="REF", help="Version of the template.", show_default="its newest tag"),
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: take the default of every new question.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell the outcome as JSON.")] = False,
) -> int:
    """Merge a newer version of the template into a GitOps repository; exit 1 with conflicts to resolve."""
    from modelyard.cli.terminal import show
    from modelyard.scaffolding import update

    outcome = update(path, environment=environment, ref=ref, interactive=False if defaults else None)
    if as_json:
        content = {**asdict(outcome), "hint": outcome.hint, "exit_code": int(outcome.exit_code)}
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
    else:
        show(_lines(outcome))
    return outcome.exit_code


def _lines(outcome: Updated) -> list[Line]:
    from modelyard.reporting import visible

    lines: list[Line] = []
    for step in outcome.steps:
        commit = f", commit {step.commit[:12]}" if step.commit else ""
        change = "is current" if step.before == step.after and not step.commit else f"{step.before} → {step.after}"
        lines.append([(visible(step.subject), "strong"), (f"  {change}{commit}", "plain")])
    lines += [[("conflict: ", "error"), (visible(file), "plain")] for file in outcome.conflicts]
    lines += [[("answer replaced: ", "warning"), (visible(answer), "plain")] for answer in outcome.replaced_answers]
    if outcome.hint:
        lines += [[], [("next: ", "fix"), (outcome.hint, "plain")]]
    return lines
