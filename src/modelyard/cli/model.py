"""`modelyard model`: the models of environments."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import verb
from modelyard.cli.edits import (
    DryRun,
    Edit,
    Environment,
    IgnoreNotFound,
    Model,
    NoCheck,
    Repository,
    finish,
    only_environment,
    planned,
    require_passing,
    warned,
)
from modelyard.cli.options import AsJson, environment_option
from modelyard.findings import ExitCode, UserError, source_without_secrets

if TYPE_CHECKING:
    from modelyard.editing import Candidate, Changes, ModelChoice


def application() -> typer.Typer:
    """Return the verb with its own verbs."""
    app = typer.Typer(
        help="List, add, change, rename and remove the models of environments.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.callback()(_model)
    app.command("list")(list_models)
    app.command("add")(add)
    app.command("set")(set_values)
    app.command("rename")(rename)
    app.command("remove")(remove)
    return app


def _model() -> None:
    """List, add, change, rename and remove the models of environments."""


@verb
def list_models(
    environment: Annotated[list[str] | None, environment_option("This environment only; may be repeated.")] = None,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """List the models of environments: what serves them, with which features and settings."""
    from modelyard.editing import rows

    found = rows(planned(repository), environment or ())
    if as_json:
        from dataclasses import asdict

        from modelyard.reporting import json_text

        sys.stdout.write(json_text({"version": 1, "models": [asdict(each) for each in found]}))
        return ExitCode.CLEAN
    from modelyard.cli.terminal import show
    from modelyard.reporting import visible

    if not found:
        sys.stdout.write("no models here\n")
        return ExitCode.CLEAN
    names = [visible(f"{each.environment}/{each.name}") for each in found]
    models = [visible(each.model or "unknown model") for each in found]
    devices = [visible(each.devices) for each in found]
    for name, model, device, each in zip(names, models, devices, found, strict=True):
        more = [visible(each.overlay or "no overlay of this repository"), *map(visible, each.features)]
        more += [visible(source_without_secrets(f"{key}={value}")) for key, value in each.settings.items()]
        show(
            [
                [
                    (name.ljust(max(map(len, names))), "strong"),
                    (f"  {model.ljust(max(map(len, models)))}  {device.ljust(max(map(len, devices)))}  ", "plain"),
                    (", ".join(more), "plain"),
                ]
            ]
        )
    return ExitCode.CLEAN


@verb
def add(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="Id such as Qwen/Qwen3-32B, or an overlay's name.", autocompletion=completing.servable
        ),
    ],
    environment: Environment = "",
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Name that it is served under.", show_default="from its id")
    ] = "",
    overlay: Annotated[
        str, typer.Option("--overlay", metavar="NAME", help="Overlay of overlays/.", autocompletion=completing.overlays)
    ] = "",
    accelerator: Annotated[str, typer.Option("--accelerator", metavar="KIND", help="gpu, neuron or cpu.")] = "",
    engine: Annotated[
        str,
        typer.Option("--engine", metavar="NAME", help="Folder of bases/serving/.", autocompletion=completing.engines),
    ] = "",
    feature: Annotated[
        list[str] | None,
        typer.Option(
            "--feature",
            metavar="NAME",
            help="Feature to switch on; may be repeated.",
            autocompletion=completing.features,
        ),
    ] = None,
    max_model_len: Annotated[
        int | None,
        typer.Option("--max-model-len", metavar="N", min=1, help="Longest request, for an overlay that is made."),
    ] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing: take the best.")] = False,
    no_check: NoCheck = False,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Add a model: choose its overlay, check that it fits and can be scheduled, and write its files.

    In a terminal it shows each overlay with its device, memory and price, asks for features, and then whether to write.
    """
    from modelyard.cli.model_questions import agreed, asked_features, asked_overlay
    from modelyard.cli.terminal import Progress
    from modelyard.editing import Changes, ModelRequest, candidates, refusal

    environment = only_environment(repository, environment)
    first = planned(repository)
    wish = ModelRequest(overlay, accelerator, engine, tuple(feature or ()), max_model_len, check=not no_check)
    known = _already(first, model, environment, name)
    if known:
        return finish(Edit(first, known), dry_run=dry_run, as_json=as_json)
    asks = not defaults and not as_json and sys.stdin.isatty() and sys.stdout.isatty()

    def found() -> ModelChoice:
        with Progress() as progress:
            progress.say(f"looking for what serves {model}")
            choice = candidates(lambda: Changes(repository), model, environment, name, wish)
        if not choice.possible:
            raise refusal(choice, environment)
        return choice

    choice = found()
    chosen = asked_overlay(choice, _reasons) if asks else choice.possible[0]
    if asks and not feature:
        features = asked_features(first, environment, chosen)
        if features:
            wish = replace(wish, overlay=chosen.overlay.name if not chosen.made else overlay, features=features)
            choice = found()
            chosen = choice.possible[0]
    notes = [*_notes(first, environment), *(warned(chosen.trial) if chosen.trial else ())]
    content = {
        "name": choice.name,
        "overlay": chosen.overlay.name,
        "features": list(chosen.features),
        "others": [
            {"overlay": each.overlay.name, "why-not": each.why_not} for each in choice.candidates if each != chosen
        ],
    }
    reasons = _reasons(chosen)
    reasons += [f"not {each.overlay.name}: {each.why_not}" for each in choice.candidates if not each.possible]
    edit = Edit(chosen.changes, f"{choice.name} is added to {environment}", reasons, notes, content)
    if asks and not dry_run:
        if not agreed(choice.name, environment, _reasons(chosen), notes):
            sys.stdout.write("nothing is written\n")
            return ExitCode.CLEAN
        edit = replace(edit, reasons=(), notes=())  # said already
    return finish(edit, dry_run=dry_run, as_json=as_json)


@verb
def set_values(
    name: Model,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="replicas, min-replicas, max-replicas, or a flag of the engine."),
    ] = None,
    environment: Environment = "",
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="KEY", help="Leave it to the overlay; may be repeated.")
    ] = None,
    overlay: Annotated[str, typer.Option("--overlay", metavar="NAME", help="Take another overlay.")] = "",
    no_check: NoCheck = False,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Change replicas and engine flags of a model in one environment."""
    from modelyard.editing import set_model

    given = _pairs(values or [])
    if not given and not unset and not overlay:
        raise UserError("nothing is to be set", fix="write KEY=VALUE, --unset KEY or --overlay NAME")
    environment = only_environment(repository, environment)
    changes = planned(repository)
    others = set_model(changes, environment, name, given, unset or (), overlay)
    told = [f"{key} {value}" for key, value in given.items()]
    told += [f"{key} left to the overlay" for key in unset or ()] + ([f"overlay {overlay}"] if overlay else [])
    done = f"{name} in {environment}: {', '.join(told)}"
    warnings = [] if no_check else require_passing(changes, environment, name, done=done)
    return finish(
        Edit(changes, done, notes=[*others, *_notes(changes, environment), *warnings]), dry_run=dry_run, as_json=as_json
    )


@verb
def rename(
    name: Model,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    environment: Environment = "",
    ignore_not_found: Annotated[
        bool,
        typer.Option(
            "--ignore-not-found", help="Where there is none of that name, but NEW, change nothing and succeed."
        ),
    ] = False,
    no_check: NoCheck = False,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Rename a model: its folder, Application, Service and the name that it is served under."""
    from modelyard.editing import environment_files, rename_model

    environment = only_environment(repository, environment)
    changes = planned(repository)
    if ignore_not_found and name not in (models := environment_files(changes, environment).models) and new in models:
        done = f"{environment} has no model {name}, and {new} is there"
        return finish(Edit(changes, done), dry_run=dry_run, as_json=as_json)
    rename_model(changes, environment, name, new)
    done = f"{name} in {environment} is renamed to {new}"
    if not no_check:
        require_passing(changes, environment, new, done=done)
    notes = [
        f"for Argo CD {name} goes and {new} comes: the model is away until the new pods have loaded it",
        f"clients must ask for {new}, at the Service {new}",
    ]
    return finish(Edit(changes, done, notes=notes if changes.files_changed else ()), dry_run=dry_run, as_json=as_json)


@verb
def remove(
    name: Model,
    environment: Environment = "",
    ignore_not_found: IgnoreNotFound = False,
    no_check: NoCheck = False,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Remove a model from an environment: its folder, its Application and its place in the list."""
    from modelyard.editing import environment_files, remove_model

    environment = only_environment(repository, environment)
    changes = planned(repository)
    if ignore_not_found and name not in environment_files(changes, environment).models:
        return finish(Edit(changes, f"{environment} has no model {name}"), dry_run=dry_run, as_json=as_json)
    remains = remove_model(changes, environment, name)
    done = f"{name} is removed from {environment}"
    if not no_check:
        require_passing(changes, environment, done=done)
    notes = [
        "Argo CD deletes its pods and its Service when this is merged",
        *(f"what remains: {each}" for each in remains),
    ]
    return finish(Edit(changes, done, notes=notes), dry_run=dry_run, as_json=as_json)


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key.strip("-"):
            raise UserError(
                f"'{text}' is not a setting", fix="write KEY=VALUE, such as replicas=2 or max-model-len=8192"
            )
        if key in pairs:
            raise UserError(f"{key} is set twice", fix="leave one")
        pairs[key] = value
    return pairs


def _already(changes: Changes, model: str, environment: str, name: str) -> str:
    """Return what there is to say where the environment has the model under that name already; empty where not."""
    from modelyard.editing import Menu, Served, environment_files, model_name

    files = environment_files(changes, environment)
    menu = Menu(changes.files)
    model_id = menu.overlays[model].model if model in menu.overlays else model
    named = name or model_name(model_id)
    if named not in files.models:
        return ""
    overlay = Served(files, named, menu).overlay
    if overlay is None or overlay.model != model_id:
        served = overlay.model if overlay else "another model"
        raise UserError(
            f"environment {environment} serves {served} as {named} already", fix="choose another name with --name"
        )
    return f"{named} is in {environment}"


def _reasons(chosen: Candidate) -> list[str]:
    reasons = list(chosen.reasons)
    trial = chosen.trial
    if trial is None:
        return [*reasons, "not tried out, because --no-check was given"]
    if trial.fit:
        reasons.append(
            f"fits {trial.device}: {trial.fit.partition(': ')[2]}" if trial.fit.startswith("fits") else trial.fit
        )
    if trial.runs_on:
        price = "" if trial.usd_per_hour is None else f", {trial.usd_per_hour:,.2f} USD an hour"
        reasons.append(f"runs on {trial.runs_on}{price}")
    if trial.price_source:
        reasons.append(f"prices: {trial.price_source}")
    return reasons + [f"not checked: {each}" for each in trial.unknown]


def _notes(changes: Changes, environment: str) -> list[str]:
    """Return what to do where an environment does not follow a branch."""
    from modelyard.editing import environment_files

    revision = str(environment_files(changes, environment).facts.get("revision") or "main")
    if revision in ("main", "master", "HEAD"):
        return []
    return [
        f"{environment} follows {revision}: if that is a tag or commit, this arrives when `modelyard promote` moves it"
    ]
