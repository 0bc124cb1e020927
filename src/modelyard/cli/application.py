"""The command line put together."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Annotated

import typer

from modelyard.cli import examples, exit_codes, version
from modelyard.cli.boundary import TRACEBACK
from modelyard.cli.options import CONTEXT

_VERBS = {
    "new": ("new", "Create a GitOps repository, or add an environment."),
    "check": ("check", "Check that it will sync, schedule and start."),
    "report": ("report", "Write the check as one HTML page."),
    "diff": ("diff", "Show what a change does to each cluster."),
    "drift": ("drift", "Show which Applications do not run what is merged."),
    "rehearse": ("rehearse", "Test-deploy an environment to a local control plane."),
    "fit": ("fit", "Show whether models fit in device memory."),
    "place": ("place", "Show which nodes can run the pods."),
    "graph": ("graph", "Show references between objects."),
    "times": ("times", "Show how long starts and responses take, and every timeout."),
    "cost": ("cost", "Estimate the cost of models, pools and environments."),
    "plan": ("plan", "Find the cheapest way to serve within latency objectives."),
    "tune": ("tune", "Name what holds a model back, and the change that helps most."),
    "loadtest": ("loadtest", "Read the results of load tests."),
    "model": ("model", "Add, change and remove models."),
    "feature": ("feature", "Turn features of models on and off."),
    "env": ("env", "List, add, remove and sync environments."),
    "promote": ("promote", "Copy tags, settings and features to another environment."),
    "import": ("importing", "Import an existing Deployment or Helm values file."),
    "lsp": ("lsp", "Serve an editor: findings as you type, meanings, completion, fixes."),
    "explain": ("explain", "Explain a rule."),
    "update": ("update", "Merge a newer version of the template."),
    "fetch": ("fetch", "Download charts and CRDs into the cache."),
    "cache": ("cache", "Show and prune the cache."),
    "doctor": ("doctor", "List required tools, and what is skipped without them."),
    "catalog": ("catalog", "Show or add facts about models and devices."),
    "tools": ("tools", "Build the external programs."),
    "version": ("version", "Show the version."),
}
"""Module and help of each verb. A module has a `command`, or an `application` with verbs of its own."""

_WITH_EXIT_CODES = (
    "check",
    "report",
    "diff",
    "drift",
    "rehearse",
    "place",
    "plan",
    "tune",
    "graph",
    "promote",
    "import",
)


def application(only: str | None = None) -> typer.Typer:
    """Return the command line with every verb.

    Args:
        only: The one verb that will be used; the modules of the others are not loaded.
    """
    app = typer.Typer(
        name="modelyard",
        help="Generate GitOps repositories that serve models on Amazon EKS, and show before merge that they will "
        "sync, schedule and start.",
        epilog=exit_codes.table(),
        context_settings=CONTEXT,
        no_args_is_help=True,
        # Plain help starts twice as fast as help in boxes, and a narrow terminal does not break it.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    ends = exit_codes.table()
    for name in _VERBS if only is None else (only,):
        module, summary = _VERBS[name]
        verb = import_module(f"modelyard.cli.{module}")
        if hasattr(verb, "application"):
            below = verb.application()
            for each in below.registered_commands:
                each.epilog = examples.shown(f"{name} {each.name}") or each.epilog
            app.add_typer(below, name=name, short_help=summary)
        else:
            parts = [examples.shown(name), ends if name in _WITH_EXIT_CODES else ""]
            epilog = "\n\n".join(filter(None, parts)) or None
            app.command(name, cls=getattr(verb, "COMMAND", None), short_help=summary, epilog=epilog)(verb.command)
    return app


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code."""
    command = typer.main.get_command(application(_verb_of(arguments)))
    code = command.main(args=arguments, prog_name="modelyard")
    return code if isinstance(code, int) else 0


def _verb_of(arguments: list[str]) -> str | None:
    """Return the verb that the arguments name; None where the shell asks, or where it is none."""
    if "_MODELYARD_COMPLETE" in os.environ:
        return None
    first = next((word for word in arguments if word != TRACEBACK), "")
    return first if first in _VERBS else None


def _options(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=version.show, is_eager=True),
    ] = False,
    traceback: Annotated[bool, typer.Option(TRACEBACK, help="Show the Python traceback of an internal error.")] = False,
) -> None:
    """Take the options that stand before a verb; both are read elsewhere."""
