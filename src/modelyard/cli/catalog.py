"""`modelyard catalog`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import verb
from modelyard.cli.options import AsJson, require_folder
from modelyard.findings import ExitCode, UserError
from modelyard.wording import nearest

if TYPE_CHECKING:
    from modelyard.catalog import Device, InstanceType, Model, ModelShape
    from modelyard.reporting import Line

_ID = re.compile(r"[A-Za-z0-9][\w.:@+-]*(/[\w.:@+-]+)*")
_LONGEST_ID = 200


def application() -> typer.Typer:
    """Return the verb with its own verbs."""
    app = typer.Typer(
        help="Show the facts behind the checks, and add models.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.callback()(_catalog)
    app.command("show")(show)
    app.command("add")(add)
    return app


def _catalog() -> None:
    """Show the facts behind the checks, and add models."""


@verb
def show(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="A model, a device such as L4, or an instance type.",
            show_default=False,
            autocompletion=completing.known,
        ),
    ] = None,
    repository: Annotated[
        Path, typer.Option("--repository", metavar="PATH", help="Where the team's own models are.")
    ] = Path(),
    region: Annotated[
        str, typer.Option("--region", metavar="NAME", help="Region for the price of an instance type.")
    ] = "us-west-2",
    as_json: AsJson = False,
) -> int:
    """Show a model, a device or an instance type, with sources; without a name, list the models."""
    from modelyard import catalog
    from modelyard.cli.terminal import show as shown
    from modelyard.repository import Files
    from modelyard.sizing import known_model, team_models

    files = Files(repository)
    own = team_models(files)
    if name is None:
        listed = {**catalog.models(), **own}
        if as_json:
            rows = [{"id": each, "origin": "team" if each in own else "shipped"} for each in sorted(listed)]
            from modelyard.reporting import json_text

            sys.stdout.write(json_text(rows))
        else:
            shown(list(_list(listed, set(own))))
        return ExitCode.CLEAN
    entry, device, kind = known_model(files, name), catalog.device(name), catalog.instance_type(name)
    if entry is not None:
        origin = "team" if name in own else "shipped"
        content = {**catalog.model_to_mapping(entry), "origin": origin}
        lines = list(_model_lines(entry, origin))
    elif device is not None:
        content = {**asdict(device), "total_gib": round(device.total_gib, 2), "observed": device.total_is_observed}
        lines = list(_device_lines(device))
    elif kind is not None:
        content = {**asdict(kind), **_price(kind, region)}
        lines = list(_instance_lines(kind, region))
    else:
        raise _unknown(name, [*catalog.models(), *own])
    if as_json:
        from modelyard.reporting import json_text

        sys.stdout.write(json_text(content))
    else:
        shown(lines)
    return ExitCode.CLEAN


@verb
def add(
    model_id: Annotated[str, typer.Argument(metavar="ID", help="The model as the engine's settings name it.")],
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Its config.json.", show_default="read from the hub"),
    ] = None,
    revision: Annotated[
        str, typer.Option("--revision", metavar="NAME", help="Branch, tag or commit on the hub.")
    ] = "main",
    repository: Annotated[Path, typer.Option("--repository", metavar="PATH", help="The GitOps repository.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an entry, or override a built-in one.")] = False,
) -> int:
    """Add a model to the repository's catalog/models/, from its config.json."""
    from modelyard import catalog
    from modelyard.fetching import hub_config
    from modelyard.repository import Repository
    from modelyard.repository.journal import write_file
    from modelyard.sizing import TEAM_MODELS, team_models

    if not _ID.fullmatch(model_id) or len(model_id) > _LONGEST_ID:
        raise UserError(
            f"{model_id!r} is no model id", fix="write it as the engine's settings do, such as acme/chat-7b"
        )
    require_folder(repository)
    home = Repository(repository)
    if not home.environments:
        raise UserError(f"{home.root} is no GitOps repository", fix="name one with --repository")
    own = team_models(home.files)
    if not force and (model_id in own or catalog.model(model_id) is not None):
        where = TEAM_MODELS if model_id in own else "the catalogue"
        raise UserError(f"{model_id} is in {where} already", fix=f"modelyard catalog show {model_id}, or --force")
    if config is not None:
        content, source = _read(config), f"{config.name} given by hand"
    else:
        content, source = hub_config(model_id, revision)
    try:
        entry = catalog.model_from_config(model_id, content, source)
    except ValueError as problem:
        raise UserError(f"{config or model_id}: {problem}", fix="give the config.json of the model") from None
    file = f"{TEAM_MODELS}/{catalog.folder_name(model_id)}/model.yaml"
    write_file(home.root, file, catalog.model_text(entry))
    sys.stdout.write(f"{file} written; commit it\n")
    if entry.shape is not None:
        sys.stdout.writelines(f"{line}\n" for line in _left_open(entry.id, entry.shape))
    return ExitCode.CLEAN


def _left_open(model_id: str, shape: ModelShape) -> Iterator[str]:
    """Yield what keeps a model from being judged, and what to do about it."""
    from modelyard.catalog.architectures import known_architectures, serving_versions, versions_read
    from modelyard.reporting import visible

    name, (oldest, newest) = shape.architecture, versions_read()
    of_architecture = f"architecture {name}" in shape.unmodelled or not name
    served = serving_versions(name)
    if of_architecture and not served:
        near = nearest(name, known_architectures())
        hint = f"; did you mean {near}?" if near else ""
        yield f"no version of vLLM from {oldest} to {newest} has architecture {visible(name) or 'without a name'}{hint}"
        yield (
            "  correct `architectures` in its config.json and add it again with --force; where it is right, vLLM runs "
            "the model by Transformers if at all, or by a plugin"
        )
    elif of_architecture and served[-1] != newest:
        yield f"vLLM {newest} has no architecture {name} any more; {served[-1]} is the newest known to have it"
        yield f"  set an engine version up to {served[-1]} for this model"
    elif of_architecture and served[0] != oldest:
        yield f"vLLM {served[0]} is the oldest known to have {name}"
    if shape.unmodelled:
        yield f"not modelled, so that fits stay unsure: {', '.join(map(visible, shape.unmodelled))}"
        yield (
            "  start it once and keep what the engine logged, which takes the place of the estimate: "
            f"modelyard fit --from-log FILE --model-id {visible(model_id)}"
        )


def _read(config: Path) -> dict[str, Any]:
    from modelyard.repository.json import parsed
    from modelyard.repository.limits import content_of

    if not config.is_file():
        raise UserError(f"there is no file {config}", fix="name the model's config.json")
    try:
        content = parsed(content_of(config), str(config))
    except UserError as error:
        raise UserError(error.message, fix="give the model's config.json", at=error.at) from None
    if not isinstance(content, dict):
        raise UserError(f"{config} should hold one JSON mapping", fix="give the model's config.json")
    beside = config.with_name("hf_quant_config.json")
    if "quantization_config" not in content and config.name != beside.name and beside.is_file():
        # ModelOpt writes how weights are stored into a file of its own, which vLLM reads as well.
        stored = parsed(content_of(beside), str(beside))
        if isinstance(stored, dict):
            content = {**content, "quantization_config": {"quant_method": "modelopt", **stored}}
    return content


def _unknown(name: str, models: list[str]) -> UserError:
    # People leave out who published a model, and write names in small letters.
    short = {each.rpartition("/")[2].lower(): each for each in models}
    near = short.get(nearest(name.rpartition("/")[2].lower(), short)) or nearest(name, models)
    fix = f"did you mean {near}?" if near else "modelyard catalog show lists the models"
    return UserError(f"the catalogue has no model, device or instance type {name}", fix=fix)


def _list(models: dict[str, Model], own: set[str]) -> Iterator[Line]:
    from modelyard.reporting import visible

    width = max(map(len, models))
    for name in sorted(models):
        entry = models[name]
        size = "" if entry.parameters_billion is None else f"{entry.parameters_billion:g} B"
        told = f"{size:>10}  {entry.family:<10} {entry.license}"
        yield [
            (visible(name).ljust(width), "strong"),
            (visible(told), "plain"),
            ("  team" if name in own else "", "good"),
        ]


def _model_lines(entry: Model, origin: str) -> Iterator[Line]:
    from modelyard.catalog import model_to_mapping
    from modelyard.reporting import visible

    yield [(visible(entry.id), "strong"), (f"  {origin}", "faint")]
    content = model_to_mapping(entry)
    shape = content.pop("shape", {})
    for part in ("id", "sources", "unverified", "notes"):
        content.pop(part, None)
    rows = [(name, value) for name, value in content.items()] + [(f"shape.{n}", v) for n, v in shape.items()]
    yield from _rows(rows, lambda name: entry.is_verified(name) and entry.is_verified(name.partition(".")[0]))
    for note in entry.notes:
        yield [(f"  note: {visible(note)}", "plain")]
    for source in entry.sources:
        yield [(f"  source: {visible(source)}", "faint")]


def _rows(rows: list[tuple[str, Any]], verified: Any) -> Iterator[Line]:
    from modelyard.reporting import visible

    width = max((len(name) for name, _ in rows), default=0) + 2
    for name, value in rows:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        yield [
            (f"  {name.ljust(width)}", "plain"),
            (visible(text), "plain"),
            ("" if verified(name) else "  unverified", "gap"),
        ]


def _device_lines(device: Device) -> Iterator[Line]:
    from modelyard.catalog import instance_types

    yield [(device.name, "strong"), (f"  {device.manufacturer} {device.kind}", "plain")]
    rows: list[tuple[str, Any]] = [
        ("memory", f"{device.total_gib:.2f} GiB ({device.nominal_mib} MiB nominal)"),
        ("compute-capability", ".".join(map(str, device.compute_capability)) if device.compute_capability else "none"),
    ]
    if device.cores is not None:
        rows.append(("cores", f"{device.cores}, {device.logical_cores} seen by a process"))
    having = [
        each.name
        for each in instance_types().values()
        if each.accelerator
        and each.accelerator.name == device.name
        and each.accelerator.memory_mib in (device.nominal_mib, None)
    ]
    rows.append(("instance types", ", ".join(having) or "none of EC2"))
    yield from _rows(rows, lambda name: name != "memory" or device.total_is_observed)


def _instance_lines(kind: InstanceType, region: str) -> Iterator[Line]:
    accelerator = kind.accelerator
    price = _price(kind, region)
    told = "unknown" if price["usd-per-hour"] is None else f"{price['usd-per-hour']:g} USD an hour"
    yield [(kind.name, "strong")]
    rows: list[tuple[str, Any]] = [
        ("vcpus", kind.vcpus),
        ("memory", f"{kind.memory_mib / 1024:g} GiB"),
        ("architecture", kind.architecture or "none"),
        ("devices", f"{accelerator.logical_count} {accelerator.name}" if accelerator else "none"),
        ("local disks", f"{kind.instance_store.gb} GB" if kind.instance_store else "none"),
        ("network", kind.network_performance or "unknown"),
        ("efa interfaces", kind.efa_interfaces),
        (f"price in {region}", f"{told} ({price['price-status']}, {price['price-date']})"),
    ]
    yield from _rows(rows, lambda name: not name.startswith("price") or price["price-status"] in ("published", "read"))
    yield [(f"  source: {price['price-source']}", "faint")]


def _price(kind: InstanceType, region: str) -> dict[str, Any]:
    from modelyard.catalog import region as known_region
    from modelyard.catalog import regions

    found = known_region(region)
    if found is None:
        raise UserError(f"there is no region {region} in the data", fix=f"name one of {', '.join(regions())}")
    offer = found.offers.get(kind.name)
    if offer is None:
        return {
            "usd-per-hour": None,
            "price-status": "not offered",
            "price-date": "",
            "price-source": f"not in {region}",
        }
    price = offer.price
    return {
        "usd-per-hour": price.usd_per_hour,
        "price-status": price.status.value,
        "price-date": price.date,
        "price-source": price.source,
    }
