"""`modelyard fit`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import verb
from modelyard.cli.lookup import known_device, known_part, unknown_model
from modelyard.cli.options import AsJson, Models, environment_option
from modelyard.findings import ExitCode, NotChecked, UserError

if TYPE_CHECKING:
    from modelyard.catalog import Device, Model
    from modelyard.reporting import Line
    from modelyard.sizing import Fit

DEFAULT_VERSION = "0.33.0"
"""vLLM's version that bases/serving is pinned to; taken where --engine-version names none."""


def _flag(name: str, help: str) -> Any:
    return typer.Option(f"--{name}", metavar="VALUE", help=f"{help} For --model-id.")


@verb
def command(
    path: Annotated[
        Path | None, typer.Argument(help="The GitOps repository.", show_default="the current folder")
    ] = None,
    environment: Annotated[
        list[str] | None,
        environment_option("This environment only; may be repeated."),
    ] = None,
    model: Models = None,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail when it is unsure or could not be said.")] = False,
    model_id: Annotated[
        str | None,
        typer.Option(
            "--model-id",
            metavar="ID",
            help="A model of the catalogue instead of a repository's.",
            autocompletion=completing.models,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            metavar="NAME",
            help="Its device, such as L4 or A100-80GB, a MIG profile (H100 1g.10gb), or a share of 4 pods (A10G/4).",
            autocompletion=completing.devices,
        ),
    ] = None,
    engine_version: Annotated[
        str | None,
        typer.Option("--engine-version", metavar="VERSION", help="Its vLLM version.", show_default=DEFAULT_VERSION),
    ] = None,
    tensor_parallel_size: Annotated[str | None, _flag("tensor-parallel-size", "Ranks that share each layer.")] = None,
    pipeline_parallel_size: Annotated[str | None, _flag("pipeline-parallel-size", "Stages.")] = None,
    data_parallel_size: Annotated[str | None, _flag("data-parallel-size", "Copies.")] = None,
    max_model_len: Annotated[str | None, _flag("max-model-len", "Longest request in tokens.")] = None,
    max_num_seqs: Annotated[str | None, _flag("max-num-seqs", "Requests at a time.")] = None,
    gpu_memory_utilization: Annotated[str | None, _flag("gpu-memory-utilization", "Share that vLLM takes.")] = None,
    kv_cache_dtype: Annotated[str | None, _flag("kv-cache-dtype", "Type of the cache, such as fp8.")] = None,
    quantization: Annotated[str | None, _flag("quantization", "How weights are quantised.")] = None,
    flag: Annotated[
        list[str] | None,
        typer.Option("--flag", metavar="NAME=VALUE", help="Any other flag of vLLM; may be repeated."),
    ] = None,
    from_log: Annotated[
        Path | None,
        typer.Option(
            "--from-log",
            metavar="LOG",
            help="Read vLLM's start-up log, and keep what it measured in measurements/ of the repository.",
        ),
    ] = None,
) -> int:
    """Show whether models fit in device memory: a bar per rank, and the smallest change that makes a model fit.

    Exit code 1 when a model does not fit.
    """
    given = {
        "tensor-parallel-size": tensor_parallel_size,
        "pipeline-parallel-size": pipeline_parallel_size,
        "data-parallel-size": data_parallel_size,
        "max-model-len": max_model_len,
        "max-num-seqs": max_num_seqs,
        "gpu-memory-utilization": gpu_memory_utilization,
        "kv-cache-dtype": kv_cache_dtype,
        "quantization": quantization,
    }
    flags = _flags(given, flag or [])
    if from_log is not None:
        if environment or model:
            raise UserError("--from-log keeps a log for every environment", fix="leave out --env and --model")
        from modelyard.cli.measuring import keep_log

        return keep_log(path or Path(), from_log, model_id, device, engine_version, flags, as_json=as_json)
    if model_id is not None:
        if path is not None and (environment or model):
            raise UserError("--model-id and a repository's --env or --model contradict each other", fix="choose one")
        return _one(path or Path(), model_id, device, engine_version or DEFAULT_VERSION, flags, as_json, strict)
    if flags or device or engine_version:
        unused = next(iter(flags), "device" if device else "engine-version")
        raise UserError(
            f"--{unused} is for --model-id; a repository says its own",
            fix="name --model-id, or leave it out and change the overlay",
        )
    return _repository(path or Path(), environment or [], model or [], as_json, strict)


def _flags(given: dict[str, str | None], others: list[str]) -> dict[str, Any]:
    flags: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for each in others:
        name, separator, value = each.partition("=")
        plain = name.lstrip("-").replace("_", "-")
        if not plain:
            raise UserError(f"--flag {each} names no flag", fix="write --flag NAME=VALUE, or --flag NAME for a switch")
        if plain in flags:
            raise UserError(f"{plain} is given twice", fix="keep one of them")
        flags[plain] = value if separator else True
    return flags


def _one(
    path: Path, model_id: str, device_name: str | None, version: str, flags: dict[str, Any], as_json: bool, strict: bool
) -> int:
    from modelyard.catalog import engine
    from modelyard.cli.budgets import assessment_content, budget_lines, explanation
    from modelyard.cli.terminal import look_of, show
    from modelyard.repository import Files
    from modelyard.sizing import (
        FitVerdict,
        assess,
        changes_that_fit,
        effective_settings,
        known_model,
        measured_for,
        measurements,
    )

    files = Files(path)
    entry = known_model(files, model_id)
    if entry is not None and entry.components_billion:
        return _pipeline(entry, known_device(device_name), flags, as_json, strict)
    if entry is None or entry.shape is None:
        raise unknown_model(model_id)
    part = known_part(device_name)
    device = part.device
    known = engine("vllm", version)
    for name in flags:
        if known is not None and known.flag(name) is None:
            near = known.nearest_flag(name)
            raise UserError(f"vLLM {version} has no flag {name}", fix=f"did you mean {near}" if near else "")
    if device.kind != "gpu":
        return _cores(entry.id, entry.shape, device, version, flags, as_json)
    try:
        settings = effective_settings(
            flags, version, entry.shape, device, total_gib=part.total_gib, sharers=part.sharing.pods
        )
    except ValueError as problem:
        raise UserError(str(problem), fix=f"write a version such as {DEFAULT_VERSION}") from None
    if settings.problems:
        raise UserError(settings.problems[0].message, fix="correct the flag")
    measured = measured_for(measurements(files, model_id), entry.shape, settings, device, part.total_gib)
    drafting = known_model(files, settings.draft_model) if settings.draft_model else None
    draft = drafting.shape if drafting is not None else None
    found = assess(
        flags,
        version,
        entry.shape,
        device,
        total_gib=part.total_gib,
        measured=measured,
        sharing=part.sharing,
        draft=draft,
    )
    fits = found.verdict is FitVerdict.FITS
    changes = () if fits else changes_that_fit(found, flags, version, entry.shape, total_gib=part.total_gib)
    if as_json:
        content = {"model": entry.id, "engine-version": version, **assessment_content(found, changes)}
        from modelyard.reporting import json_text

        sys.stdout.write(json_text(content))
    else:
        width = look_of(sys.stdout).width
        lines: list[Line] = [[(entry.id, "strong"), (f"  vLLM {version}", "plain")]]
        show([*lines, *budget_lines(part.title, found, width), *explanation(found, changes, width)])
    return _code([found.verdict], strict)


def _pipeline(entry: Model, device: Device, flags: dict[str, Any], as_json: bool, strict: bool) -> int:
    """Say what a diffusion pipeline's components weigh on a device; what an image needs beside them is not modelled."""
    from dataclasses import asdict

    from modelyard.sizing import pipeline_budget

    if flags:
        raise UserError(f"--{next(iter(flags))} is a flag of vLLM, and {entry.id} is a diffusion pipeline")
    budget = pipeline_budget(entry, device)
    if budget is None or device.kind != "gpu":
        raise UserError(f"diffusion pipelines are not modelled on {device.name}", fix="name a GPU")
    if as_json:
        from modelyard.reporting import json_text

        sys.stdout.write(json_text({"model": entry.id, "device": device.name, **asdict(budget)}))
    else:
        rows = "".join(f"  {name:<24} {gib:6.1f} GiB\n" for name, gib in budget.components_gib.items())
        sys.stdout.write(f"{entry.id}  {device.name}  {budget.verdict}\n{rows}  {budget.reason}\n")
    return _code([budget.verdict], strict)


def _cores(model_id: str, shape: Any, device: Device, version: str, flags: dict[str, Any], as_json: bool) -> int:
    from dataclasses import asdict

    from modelyard.sizing import FitVerdict, effective_settings, neuron_budget

    settings = effective_settings(flags, version, shape, device)
    if settings.problems:
        raise UserError(settings.problems[0].message, fix="correct the flag")
    budget = neuron_budget(shape, settings, device)
    if as_json:
        from modelyard.reporting import json_text

        sys.stdout.write(json_text({"model": model_id, "device": device.name, **asdict(budget)}))
    else:
        told = "; ".join(budget.reasons)
        sys.stdout.write(f"{model_id}  {device.name}, {budget.cores} cores  {budget.verdict}\n  {told}\n")
    return ExitCode.FINDINGS if budget.verdict is FitVerdict.DOES_NOT_FIT else ExitCode.CLEAN


def _repository(path: Path, environments: list[str], names: list[str], as_json: bool, strict: bool) -> int:
    from modelyard.cli.budgets import fit_content, fit_lines
    from modelyard.cli.terminal import look_of, show
    from modelyard.cli.views import views
    from modelyard.sizing import fits

    _, found, gaps = views(path, environments)
    listed: list[tuple[str, Fit]] = [(view.name, fit) for view in found for fit in fits(view)]
    known = sorted({fit.model.name for _, fit in listed})
    for name in names:
        if name not in known:
            raise UserError(f"there is no model {name}", fix=f"models here: {', '.join(known) or 'none'}")
    if names:
        listed = [(environment, fit) for environment, fit in listed if fit.model.name in names]
    models = {application.name for view in found for application in view.applications if application.is_model}
    unread = [gap for gap in gaps if gap.application in models and (not names or gap.application in names)]
    if as_json:
        content = {
            "models": [fit_content(environment, fit) for environment, fit in listed],
            "not-checked": [
                {"environment": gap.environment, "subject": str(gap.subject), "reason": gap.reason} for gap in unread
            ],
        }
        from modelyard.reporting import json_text

        sys.stdout.write(json_text(content))
    else:
        width = look_of(sys.stdout).width
        lines = [line for environment, fit in listed for line in (*fit_lines(environment, fit, width), [])]
        show([*lines[:-1], *_unread(unread)] if listed or unread else [[("no models are served here", "plain")]])
    return _code([fit.verdict for _, fit in listed] + [None] * len(unread), strict)


def _unread(gaps: list[NotChecked]) -> list[Line]:
    from modelyard.reporting import visible

    return [[("not checked: ", "gap"), (visible(f"{gap.subject}: {gap.reason}"), "plain")] for gap in gaps]


def _code(verdicts: list[Any], strict: bool) -> int:
    from modelyard.sizing import FitVerdict

    if FitVerdict.DOES_NOT_FIT in verdicts:
        return ExitCode.FINDINGS
    return ExitCode.NOT_CHECKED if strict and (None in verdicts or FitVerdict.UNSURE in verdicts) else ExitCode.CLEAN
