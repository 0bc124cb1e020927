"""`modelyard fit --from-log`: what a start-up log measured, kept in the repository."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.findings import ExitCode, UserError

if TYPE_CHECKING:
    from modelyard.catalog import Device, ModelShape
    from modelyard.reporting import Line
    from modelyard.sizing import MeasuredBudget, MemoryBudget

MAX_LOG_BYTES = 64 * 1024 * 1024
SAME_MEMORY = 0.02
"""Share by which the memory that a log tells may differ from what its device has."""


def keep_log(
    root: Path,
    log: Path,
    model_id: str | None,
    device_name: str | None,
    version: str | None,
    given: dict[str, Any],
    *,
    as_json: bool,
) -> int:
    """Read a start-up log and add what it measured to `measurements/<model>.yaml`.

    Args:
        root: The repository.
        log: The log.
        model_id: The model where the log names a path; None takes the log's.
        device_name: The device, which logs do not name; None takes it from the memory that the log tells, when only one
            device has as much.
        version: vLLM's version where the log does not tell it.
        given: Flags of the engine, needed where the log does not print what it was started with.
        as_json: Print JSON.

    Raises:
        UserError: It cannot be told what was measured, or of what; nothing is written then.
    """
    from modelyard.cli.lookup import unknown_model
    from modelyard.repository import Repository
    from modelyard.repository.journal import write_file
    from modelyard.sizing import Measurement, known_model, measured_budget, measurements_file, text_with

    repository = Repository(root)
    if not repository.environments:
        raise UserError(f"{repository.root} is no GitOps repository", fix="run it where the measurement should be kept")
    told = measured_budget(_text(log))
    name = model_id or told.model
    if not name:
        raise UserError(f"{log} does not name its model", fix="name it with --model-id")
    entry = known_model(repository.files, name)
    if entry is None or entry.shape is None:
        if model_id is None:
            raise UserError(f"{log} is of {name}, which is not in the catalogue", fix="name the model with --model-id")
        raise unknown_model(name)
    if told.version and version and told.version != version:
        raise UserError(f"{log} is of vLLM {told.version}, not {version}", fix="leave out --engine-version")
    if not (told.version or version):
        raise UserError(f"{log} does not tell vLLM's version", fix="name it with --engine-version")
    if told.kv_available_gib is None and told.kv_tokens is None:
        reason = f": {told.refused}" if told.refused else ""
        raise UserError(
            f"{log} does not tell how much was left for the KV cache{reason}",
            fix="give a log that has the line `Available KV cache memory` or `GPU KV cache size`",
        )
    device = _device(log, device_name, told.total_gib)
    measured = replace(told, model=name, version=told.version or version or "", device=device.name)
    measured, estimate, known = _budgets(log, measured, entry.shape, device, given)
    new = Measurement(measured, log.name, f"{datetime.now(UTC):%Y-%m-%d}")
    file = measurements_file(name)
    content = text_with(repository.files, name, new)
    write_file(repository.root, file, content)
    if as_json:
        from modelyard.reporting import json_text

        sys.stdout.write(json_text({"file": file, **measured.to_mapping()}))
    else:
        _show(file, measured, estimate, known)
    return ExitCode.CLEAN


def _text(log: Path) -> str:
    from modelyard.repository.limits import content_of

    if not log.exists():
        raise UserError(f"there is no log {log}", fix="name the file with vLLM's start-up log")
    fix = "give the lines up to the engine's first request"
    return content_of(log, most=MAX_LOG_BYTES, fix=fix, pipes=True).decode("utf-8", "replace")


def _device(log: Path, name: str | None, total_gib: float | None) -> Device:
    from modelyard.catalog import devices
    from modelyard.cli.lookup import known_device

    def has_as_much(device: Device) -> bool:
        return total_gib is None or abs(device.total_gib - total_gib) <= SAME_MEMORY * total_gib

    if name is not None:
        device = known_device(name)
        if not has_as_much(device):
            same = next((each for each in devices() if each.name == device.name and has_as_much(each)), None)
            if same is None:
                raise UserError(
                    f"{log} is of a device with {total_gib:.1f} GiB, {device.name} has {device.total_gib:.1f} GiB",
                    fix="name the device that it was written on",
                )
            return same
        return device
    near = [each for each in devices() if each.kind == "gpu" and has_as_much(each)] if total_gib is not None else []
    if len(near) == 1:
        return near[0]
    could = f"; its memory is that of {' and '.join(each.name for each in near)}" if near else ""
    raise UserError(f"{log} does not name its device{could}", fix="name it with --device")


ENGINE_ONLY = ("model", "model_tag", "tokenizer", "served_model_name", "host", "port", "api_key")
"""Arguments that no memory follows from, and some of which are nobody's business."""


def _flags(log: Path, measured: MeasuredBudget, given: dict[str, Any]) -> dict[str, Any]:
    """Return the flags that the engine was started with.

    Raises:
        UserError: The log does not say them and nobody else does, or both do and differ.
    """
    if measured.arguments is None and not given:
        raise UserError(
            f"{log} does not show what the engine was started with (`non-default args`)",
            fix="give the log from the engine's first line, or the flags as for --model-id, such as --max-num-seqs 256",
        )
    flags: dict[str, Any] = {
        str(name).replace("_", "-"): value
        for name, value in (measured.arguments or {}).items()
        if name not in ENGINE_ONLY and value is not None
    }
    named = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size", "gpu_memory_utilization")
    for name in (*named, "max_model_len", "max_num_seqs", "max_num_batched_tokens"):
        logged = getattr(measured, name)
        if logged is not None:
            flags.setdefault(name.replace("_", "-"), logged)
    if measured.speculative:
        flags.setdefault("speculative-config", {"method": measured.speculative})
    for name, value in given.items():
        if name in flags and str(flags[name]) != str(value):
            raise UserError(f"{log} says {name} {flags[name]}, not {value}", fix=f"leave out --{name}")
    return {**flags, **given}


def _budgets(
    log: Path, measured: MeasuredBudget, shape: ModelShape, device: Device, given: dict[str, Any]
) -> tuple[MeasuredBudget, MemoryBudget, MemoryBudget]:
    """Return the measurement with every setting that it is of, the estimate, and the estimate with it."""
    from modelyard.sizing import conditions_of, effective_settings, memory_budget

    try:
        settings = effective_settings(_flags(log, measured, given), measured.version, shape, device)
    except ValueError as problem:
        raise UserError(str(problem), fix="name vLLM's version with --engine-version") from None
    if settings.problems:
        raise UserError(f"{log} does not agree with itself: {settings.problems[0].message}", fix="give the whole log")
    estimate = memory_budget(shape, settings, device)
    available = measured.kv_available_gib
    if available is None and measured.kv_tokens is not None:
        # Logs of 0.8 print tokens only, which are of a cache whose layers are all alike.
        if shape.groups or not estimate.kv_bytes_per_token:
            raise UserError(
                f"{log} tells the cache in tokens, and layers of {measured.model} differ in what they keep",
                fix="give a log that has the line `Available KV cache memory`",
            )
        available = measured.kv_tokens * estimate.kv_bytes_per_token / 2**30
    measured = replace(
        measured,
        kv_available_gib=available,
        tensor_parallel_size=settings.tensor_parallel_size,
        pipeline_parallel_size=settings.pipeline_parallel_size,
        data_parallel_size=settings.data_parallel_size,
        gpu_memory_utilization=settings.gpu_memory_utilization,
        max_num_seqs=settings.max_num_seqs,
        max_num_batched_tokens=settings.max_num_batched_tokens,
        kv_cache_dtype=settings.kv_cache_dtype,
        speculative=settings.speculative,
        max_loras=settings.lora_slots or None,
        cpu_offload_gb=settings.cpu_offload_gib or None,
        conditions=conditions_of(settings),
        arguments=None,
    )
    known = measured.budget_for(estimate, shape, settings, device)
    if known is None:
        raise UserError(f"{log} does not agree with itself", fix="give the whole log of one start")
    return measured, estimate, known


def _show(file: str, measured: MeasuredBudget, estimate: MemoryBudget, known: MemoryBudget) -> None:
    from modelyard.cli.terminal import show
    from modelyard.reporting import visible

    rows = (
        ("weights", known.weights_gib, estimate.weights_gib, measured.weights_gib),
        ("activation", known.activation_gib, estimate.activation_gib, measured.activation_gib),
        ("graphs", known.cuda_graphs_gib, estimate.cuda_graphs_gib, measured.cuda_graphs_gib),
        ("other", known.non_torch_gib, estimate.non_torch_gib, measured.non_torch_gib),
        ("KV cache", known.kv_available_gib, estimate.kv_available_gib, measured.kv_available_gib),
    )
    lines: list[Line] = [
        [(visible(f"{measured.model}, vLLM {measured.version}, {measured.device}"), "strong"), (f" → {file}", "plain")]
    ]
    for name, gib, estimated, logged in rows:
        if logged is None:
            lines.append([(f"  {name:<10} not in the log; estimated {estimated:.1f} GiB", "faint")])
        else:
            off = estimated - gib
            lines.append([(f"  {name:<10} {gib:6.1f} GiB, estimated {estimated:.1f} ({off:+.1f})", "plain")])
    if measured.refused:
        lines.append([("  the engine gave up: ", "warning"), (visible(measured.refused), "plain")])
    lines.append([("commit the file; check and fit take it for this model, version and device from now on", "plain")])
    show(lines)
