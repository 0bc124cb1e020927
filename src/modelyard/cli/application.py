"""The command line put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Annotated, Any, NamedTuple, cast

import typer
from typer.core import TyperGroup

from modelyard.cli import examples, exit_codes, version
from modelyard.cli.boundary import TRACEBACK
from modelyard.cli.helping import SectionedCommand, summary, write_sections
from modelyard.cli.options import CONTEXT


class _Verb(NamedTuple):
    """One verb.

    Attributes:
        module: Its module in this package, with a `command`, or an `application` with verbs of its own.
        summary: Its line in the help.
        exit_codes: Whether its own help ends with the table of exit codes.
    """

    module: str
    summary: str
    exit_codes: bool = False


_SECTIONS = {
    "Start": {
        "new": _Verb("new", "Create a GitOps repository, or add an environment."),
        "doctor": _Verb("doctor", "List external programs, and what is not ready."),
        "tools": _Verb("tools", "Build the external programs."),
        "fetch": _Verb("fetch", "Download charts and CRDs into the cache."),
        "update": _Verb("update", "Merge a newer version of the template."),
    },
    "Check": {
        "check": _Verb("check", "Check that it will sync, schedule and start.", exit_codes=True),
        "explain": _Verb("explain", "Explain a rule."),
        "report": _Verb("report", "Write the check as one HTML page.", exit_codes=True),
        "diff": _Verb("diff", "Show what a change does to each cluster.", exit_codes=True),
        "rehearse": _Verb("rehearse", "Test-deploy an environment to a local control plane.", exit_codes=True),
        "drift": _Verb("drift", "Show which Applications do not run what is merged.", exit_codes=True),
        "lsp": _Verb("lsp", "Serve an editor: findings as you type, hover, completion."),
    },
    "Size and cost": {
        "fit": _Verb("fit", "Show whether models fit in device memory."),
        "place": _Verb("place", "Show which nodes can run the pods.", exit_codes=True),
        "cost": _Verb("cost", "Estimate the cost of models, pools and environments."),
        "times": _Verb("times", "Show how long starts and responses take, and every timeout."),
        "plan": _Verb("plan", "Find the cheapest way to serve within latency objectives.", exit_codes=True),
        "tune": _Verb("tune", "Name what holds a model back, and the change that helps most.", exit_codes=True),
        "loadtest": _Verb("loadtest", "Read the results of load tests."),
        "catalog": _Verb("catalog", "Show or add facts about models and devices."),
        "graph": _Verb("graph", "Show references between objects.", exit_codes=True),
    },
    "Change": {
        "model": _Verb("model", "Add, change and remove models."),
        "feature": _Verb("feature", "Turn features of models on and off."),
        "env": _Verb("env", "List, add, remove and sync environments."),
        "promote": _Verb("promote", "Copy tags, settings and features to another environment.", exit_codes=True),
        "import": _Verb("importing", "Import an existing Deployment or Helm values file.", exit_codes=True),
    },
    "Other": {
        "cache": _Verb("cache", "Show and prune the cache."),
        "version": _Verb("version", "Show the version."),
    },
}
"""Every verb, by what people want of it."""
_VERBS = {name: verb for verbs in _SECTIONS.values() for name, verb in verbs.items()}


class _Loading(Mapping[str, Any]):
    """The verbs by name; the module of each is loaded when the verb is first asked for."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            alone = typer.Typer(rich_markup_mode=None, add_completion=False)
            alone.callback()(lambda: None)
            _add(alone, name, _VERBS[name])
            self._loaded.update(cast(TyperGroup, typer.main.get_command(alone)).commands)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_VERBS)

    def __len__(self) -> int:
        return len(_VERBS)


class _Verbs(TyperGroup):
    """All verbs, of which the help needs no module."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = cast(MutableMapping[str, Any], _Loading())

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write what each verb is for, all summaries in one column."""
        longest = max(map(len, _VERBS))
        sections = {
            heading: [(name.ljust(longest), verb.summary) for name, verb in verbs.items()]
            for heading, verbs in _SECTIONS.items()
        }
        write_sections(formatter, sections)


def application() -> typer.Typer:
    """Return the command line with every verb."""
    app = typer.Typer(
        name="modelyard",
        cls=_Verbs,
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
    return app


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code."""
    command = typer.main.get_command(application())
    code = command.main(args=arguments, prog_name="modelyard")
    return code if isinstance(code, int) else 0


def _add(app: typer.Typer, name: str, verb: _Verb) -> None:
    module = import_module(f"modelyard.cli.{verb.module}")
    if hasattr(module, "application"):
        below: typer.Typer = module.application()
        for each in below.registered_commands:
            each.cls = SectionedCommand
            each.short_help = summary(each.callback)
            each.epilog = examples.shown(f"{name} {each.name}") or each.epilog
        app.add_typer(below, name=name, short_help=verb.summary)
        return
    parts = [examples.shown(name), exit_codes.table() if verb.exit_codes else ""]
    app.command(
        name,
        cls=getattr(module, "COMMAND", SectionedCommand),
        short_help=verb.summary,
        epilog="\n\n".join(filter(None, parts)) or None,
    )(module.command)


def _options(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=version.show, is_eager=True),
    ] = False,
    traceback: Annotated[bool, typer.Option(TRACEBACK, help="Show the Python traceback of an internal error.")] = False,
) -> None:
    """Take the options that stand before a verb; both are read elsewhere."""
