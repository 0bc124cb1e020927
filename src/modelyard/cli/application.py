"""The command line put together."""

from __future__ import annotations

from typing import Annotated

import typer

from modelyard.cli import (
    adopt,
    catalog,
    check,
    cost,
    diff,
    doctor,
    env,
    exit_codes,
    explain,
    feature,
    fetch,
    fit,
    graph,
    model,
    new,
    place,
    promote,
    rehearse,
    tools,
    update,
    version,
)
from modelyard.cli.boundary import TRACEBACK

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def application() -> typer.Typer:
    """Return the command line with every verb."""
    app = typer.Typer(
        name="modelyard",
        help="Generate GitOps repositories that serve models on Amazon EKS, and show before merge that they will "
        "sync, schedule and start.",
        epilog=exit_codes.table(),
        context_settings=_CONTEXT,
        no_args_is_help=True,
        # Plain help starts twice as fast as help in boxes, and a narrow terminal does not break it.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    ends = exit_codes.table()
    app.command("new", short_help="Write a GitOps repository, or add an environment.")(new.command)
    app.command("check", short_help="Check that it will sync, schedule and start.", epilog=ends)(check.command)
    app.command("diff", short_help="Show what a change does to each cluster.", epilog=ends)(diff.command)
    app.command("rehearse", short_help="Try an environment on a control plane on this machine.", epilog=ends)(
        rehearse.command
    )
    app.command("fit", short_help="Say whether models fit their devices.")(fit.command)
    app.command("place", short_help="Show which nodes can take the pods.", epilog=ends)(place.command)
    app.command("graph", short_help="Show who names whom.", epilog=ends)(graph.command)
    app.command("cost", short_help="Say what models, pools and environments cost.")(cost.command)
    app.add_typer(model.application(), name="model", short_help="Add, change and remove models.")
    app.add_typer(feature.application(), name="feature", short_help="Switch features of models on and off.")
    app.add_typer(env.application(), name="env", short_help="List, add, remove and fill in environments.")
    app.command("promote", short_help="Move what was tried to the next environment.", epilog=ends)(promote.command)
    app.command("import", short_help="Take over a deployment of somebody else.", epilog=ends)(adopt.command)
    app.command("explain", short_help="Explain a rule.")(explain.command)
    app.command("update", short_help="Merge a newer version of the template.")(update.command)
    app.command("fetch", short_help="Bring charts and CRDs into the cache.")(fetch.command)
    app.command("doctor", short_help="List the external programs, and what lacks without them.")(doctor.command)
    app.add_typer(catalog.application(), name="catalog", short_help="Show or add facts about models and devices.")
    app.add_typer(tools.application(), name="tools", short_help="Build the external programs.")
    app.command("version", short_help="Show the version.")(version.command)
    return app


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code."""
    code = typer.main.get_command(application()).main(args=arguments, prog_name="modelyard")
    return code if isinstance(code, int) else 0


def _options(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=version.show, is_eager=True),
    ] = False,
    traceback: Annotated[bool, typer.Option(TRACEBACK, help="Show the Python traceback of an internal error.")] = False,
) -> None:
    """Take the options that stand before a verb; both are read elsewhere."""
