"""`modelyard feature`: what a model may have besides its overlay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import verb
from modelyard.cli.edits import (
    DryRun,
    Edit,
    Environment,
    Model,
    NoCheck,
    Repository,
    finish,
    only_environment,
    planned,
    require_passing,
)
from modelyard.cli.options import AsJson
from modelyard.findings import UserError

Feature = Annotated[
    str, typer.Argument(metavar="FEATURE", help="Folder of bases/features/.", autocompletion=completing.features)
]


def application() -> typer.Typer:
    """Return the verb with its own verbs."""
    app = typer.Typer(help="Turn features of a model on and off.", no_args_is_help=True, rich_markup_mode=None)
    app.callback()(_feature)
    app.command("on")(on)
    app.command("off")(off)
    return app


def _feature() -> None:
    """Turn features of a model on and off."""


@verb
def on(
    model: Model,
    feature: Feature,
    environment: Environment = "",
    no_check: NoCheck = False,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
    value: Annotated[
        list[str] | None,
        typer.Option("--value", metavar="NAME=VALUE", help="What the feature asks for; may be repeated."),
    ] = None,
) -> int:
    """Turn a feature on: add its Component and the settings it needs."""
    return _switched(repository, environment, model, feature, True, no_check, dry_run, as_json, _values(value or []))


@verb
def off(
    model: Model,
    feature: Feature,
    environment: Environment = "",
    no_check: NoCheck = False,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Turn a feature off: remove its Component and its settings."""
    return _switched(repository, environment, model, feature, False, no_check, dry_run, as_json)


def _values(texts: list[str]) -> dict[str, str]:
    found = {}
    for each in texts:
        name, separator, told = each.partition("=")
        if not separator or not name or not told:
            raise UserError(f"--value {each} is no NAME=VALUE", fix="write --value certificate-arn=arn:...")
        found[name] = told
    return found


def _switched(
    repository: Path,
    environment: str,
    model: str,
    feature: str,
    on: bool,
    no_check: bool,
    dry_run: bool,
    as_json: bool,
    values: Mapping[str, str] | None = None,
) -> int:
    from modelyard.editing import Menu, switch_feature

    environment = only_environment(repository, environment)
    changes = planned(repository)
    switch_feature(changes, environment, model, feature, on=on, values=values)
    done = f"{feature} is {'on' if on else 'off'} for {model} in {environment}"
    warnings = [] if no_check else require_passing(changes, environment, model, done=done)
    assumed = Menu(changes.files).features[feature].assumes if on and changes.files_changed else ()
    notes = [f"this must be so: {each[:1].lower()}{each[1:]}" for each in assumed]
    return finish(Edit(changes, done, notes=[*notes, *warnings]), dry_run=dry_run, as_json=as_json)
