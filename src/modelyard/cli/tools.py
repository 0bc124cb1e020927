"""`modelyard tools`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import verb
from modelyard.cli.options import AsJson
from modelyard.findings import ExitCode

if TYPE_CHECKING:
    from modelyard.cli.terminal import Progress
    from modelyard.tooling.installer import InstallStep


def application() -> typer.Typer:
    """Return the verb with its own verbs."""
    app = typer.Typer(
        help="Build the external programs that modelyard runs.", no_args_is_help=True, rich_markup_mode=None
    )
    app.callback()(_tools)
    app.command("install")(install)
    return app


def _tools() -> None:
    """Build the external programs that modelyard runs."""


@verb
def install(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Tools to install.",
            autocompletion=completing.tools,
            show_default="what every check uses",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be built; build nothing.")] = False,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what was built; no progress.")] = False,
) -> int:
    """Build the pinned tools that this machine lacks, from their Go modules; go.sum is the lock."""
    from modelyard.cli.terminal import Progress
    from modelyard.reporting import duration
    from modelyard.tooling.installer import Action
    from modelyard.tooling.installer import install as build

    with Progress(quiet=quiet) as progress:
        done = build(names or (), dry_run=dry_run, report=lambda step: _told(step, progress))
    if as_json:
        content = [
            {
                "name": each.name,
                "version": each.version,
                "path": str(each.path),
                "action": each.action.value,
                "seconds": round(each.seconds, 3),
                "command": each.command,
            }
            for each in done
        ]
        from modelyard.reporting import json_text

        sys.stdout.write(json_text(content))
        return ExitCode.CLEAN
    for each in done:
        if quiet and each.action is Action.PRESENT:
            continue
        action = f"built in {duration(each.seconds)}" if each.action is Action.BUILT else each.action.value
        sys.stdout.write(f"{each.name} {each.version}: {action}, {each.path}\n")
        if each.command:
            sys.stdout.write(f"  {each.command}\n")
    return ExitCode.CLEAN


def _told(step: InstallStep, progress: Progress) -> None:
    text = f"{step.tool}: {step.message}" if step.tool else step.message
    progress.say(text)
