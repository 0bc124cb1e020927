"""`modelyard plan --from-bench`: load tests kept in the repository."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.findings import ExitCode, UserError

if TYPE_CHECKING:
    from modelyard.planning import LoadResult, Run, Subject, Way

MAX_RESULT_BYTES = 256 * 1024 * 1024


def keep_runs(
    subject: Subject,
    root: Path,
    files: Sequence[Path],
    device: str | None,
    version: str | None,
    reuse: float | None,
    replicas: int,
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Add load tests of a deployment to `measurements/<model>.load.yaml`; all of them or none.

    Of a file with several loads, such as a sweep, those past saturation are left out and named; it must have others.

    Args:
        subject: The deployment that was measured.
        root: The repository.
        files: Results.
        device: Device that was measured; None where pods can get only one kind.
        version: Version that was measured; None for the deployment's.
        reuse: Share of prompts that lay in the prefix cache; None where it is not said.
        replicas: Replicas that shared the load.
        dry_run: Write nothing.
        as_json: Print JSON.

    Raises:
        UserError: A result is not read, or not taken; nothing is written then.
    """
    from modelyard.planning import Lengths, runs_file, runs_of, runs_text, ways
    from modelyard.repository.journal import write_file
    from modelyard.sizing.engine_defaults import parsed_version

    measured = version or subject.version
    if parsed_version(measured) is None:
        raise UserError(f"{measured} is no version of vLLM", fix="write one such as 0.33.0")
    results = [(file, [_share(each, replicas) for each in _read(file)]) for file in files]
    first = results[0][1][0]
    way = _measured_way(subject, list(ways(subject, Lengths(first.prompt, first.output), everywhere=False)), device)
    taken: list[tuple[Path, LoadResult]] = []
    left_out: list[str] = []
    for file, loads in results:
        kept, dropped = _steady(loads, way, reuse)
        taken += [(file, each) for each in kept]
        left_out += [f"{file.name}: a load is left out: {why}" for why in dropped]
    new = [_run(file, each, way, measured, reuse) for file, each in taken]
    model_id = subject.model.settings.model_id
    repository = subject.model.container.manifest.repository
    path = runs_file(model_id)
    text = runs_text(model_id, runs_of(repository.files, model_id), new)
    if not dry_run:
        write_file(repository.root, path, text)
    if as_json:
        from modelyard.cli.planned_runs import runs_content
        from modelyard.reporting import json_text

        sys.stdout.write(
            json_text(
                {"version": 1, "file": path, "written": not dry_run, "runs": runs_content(new), "left-out": left_out}
            )
        )
    else:
        from modelyard.cli.planned_runs import runs_lines
        from modelyard.cli.terminal import show

        show(runs_lines(path, new, way, left_out, dry_run=dry_run))
    return ExitCode.CLEAN


def _read(file: Path) -> list[LoadResult]:
    from modelyard.planning import load_results
    from modelyard.repository.json import MalformedJSON
    from modelyard.repository.limits import content_of

    if not file.is_file():
        raise UserError(f"there is no result {file}", fix="name the JSON file that the load test wrote")
    try:
        text = content_of(file, most=MAX_RESULT_BYTES, fix="leave out --save-detailed").decode("utf-8", "replace")
        return list(load_results(_content(text)))
    except (ValueError, MalformedJSON) as problem:
        raise UserError(
            f"{file} is not read: {problem}",
            fix="give what `vllm bench serve --save-result`, GuideLLM, inference-perf or AIPerf writes as JSON",
        ) from None


def _steady(loads: list[LoadResult], way: Way, reuse: float | None) -> tuple[list[LoadResult], list[str]]:
    """Return the loads of a file that are not past saturation, and why the others are; all of them where none is."""
    from modelyard.planning import past_saturation

    why = [past_saturation(each, way.machine, reuse if reuse is not None else each.cached or 0.0) for each in loads]
    kept = [each for each, reason in zip(loads, why, strict=True) if not reason]
    return (kept, [reason for reason in why if reason]) if kept else (loads, [])


def _content(text: str) -> object:
    """Return the JSON of a result; of a file that results were appended to, a list of them, one a line."""
    from modelyard.repository.json import MalformedJSON, parsed

    lines = [line for line in text.splitlines() if line.strip()]
    try:
        return parsed(text)
    except MalformedJSON:
        if len(lines) < 2 or not all(line.lstrip().startswith("{") for line in lines):
            raise
    return [parsed(line) for line in lines]


def _share(result: LoadResult, replicas: int) -> LoadResult:
    return replace(result, rate=result.rate / replicas, requests=result.requests / replicas)


def _measured_way(subject: Subject, found: Sequence[Way], device: str | None) -> Way:
    """Return the deployment that was measured: the model's own ranks and precision on a device."""
    from modelyard.cli.lookup import known_device
    from modelyard.wording import nearest

    ranks = subject.model.settings.tensor_parallel_size
    own = [way for way in found if way.machine.ranks == ranks and "quantization" not in way.flags]
    names = list(dict.fromkeys(way.machine.device.name for way in own))
    if device is not None:
        name = known_device(device).name
        chosen = [way for way in own if way.machine.device.name == name]
        if not chosen:
            near = nearest(name, names)
            raise UserError(
                f"no node with {name} takes the pods of {subject.model.name}",
                fix=f"did you mean {near}?" if near else f"name one of {', '.join(names) or 'none'}",
            )
        return chosen[0]
    if len(own) != 1:
        raise UserError(
            f"the pods of {subject.model.name} can get {', '.join(names) or 'no GPU that is known'}",
            fix="name the device that was measured with --device",
        )
    return own[0]


def _run(file: Path, result: LoadResult, way: Way, version: str, reuse: float | None) -> Run:
    from modelyard.planning import Run, point_name, refusal

    share = reuse if reuse is not None else result.cached or 0.0
    if not 0 <= share <= 1:
        raise UserError(f"--reuse is {share}, expected a share from 0 to 1")
    why = refusal(result, way.machine, share, cache_said=reuse is not None or result.cached is not None)
    if why:
        raise UserError(
            f"{file.name} is not taken: {why}", fix="nothing was written; measure again, or correct what is said"
        )
    return Run(
        device=point_name(way.machine.device),
        ranks=way.machine.ranks,
        precision=way.precision,
        version_text=version,
        prompt=round(result.prompt, 1),
        output=round(result.output, 1),
        reuse=share,
        requests=round(result.requests, 3),
        rate=round(result.rate, 4),
        ttft_ms=round(result.ttft_ms, 3),
        itl_ms=round(result.itl_ms, 3),
        percentiles=result.percentiles,
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        file=file.name,
        tool=result.tool,
    )
