"""`modelyard plan`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
from modelyard.findings import ExitCode, UserError

if TYPE_CHECKING:
    from modelyard.planning import Objectives, Plan, Run, Subject


@verb
def command(
    name: Model,
    environment: Environment = "",
    ttft: Annotated[
        str | None, typer.Option("--ttft", metavar="TIME", help="Longest time to the first token, such as 800ms.")
    ] = None,
    itl: Annotated[
        str | None, typer.Option("--itl", metavar="TIME", help="Longest time between tokens, such as 45ms.")
    ] = None,
    percentile: Annotated[
        int | None,
        typer.Option("--percentile", metavar="N", help="Requests that must have it: 50, 90, 95 or 99 %."),
    ] = None,
    rate: Annotated[float | None, typer.Option("--rate", metavar="N", help="Requests a second.")] = None,
    concurrency: Annotated[
        float | None, typer.Option("--concurrency", metavar="N", help="Requests at once, instead of --rate.")
    ] = None,
    prompt: Annotated[int | None, typer.Option("--prompt", metavar="N", help="Tokens of a prompt.")] = None,
    output: Annotated[int | None, typer.Option("--output", metavar="N", help="Tokens of an answer.")] = None,
    reuse: Annotated[
        float | None,
        typer.Option("--reuse", metavar="SHARE", help="Share of a prompt that the prefix cache has, 0 to 1."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show every candidate.")] = False,
    what_if: Annotated[bool, typer.Option("--what-if", help="Show the cost at other rates.")] = False,
    apply: Annotated[
        int | None, typer.Option("--apply", metavar="N", min=1, help="Change the model into candidate N.")
    ] = None,
    from_bench: Annotated[
        list[Path] | None,
        typer.Option(
            "--from-bench",
            metavar="FILE",
            help="Keep a load test of this deployment (vllm bench serve, GuideLLM, inference-perf, AIPerf); "
            "may be repeated.",
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", metavar="NAME", help="Device that was measured, where pods may get several."),
    ] = None,
    engine_version: Annotated[
        str | None,
        typer.Option(
            "--engine-version", metavar="VERSION", help="Version that was measured.", show_default="the model's"
        ),
    ] = None,
    replicas: Annotated[
        int, typer.Option("--replicas", metavar="N", min=1, help="Replicas that shared the measured load.")
    ] = 1,
    no_check: NoCheck = False,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Find the cheapest way to serve a model within objectives of latency, before a node starts.

    Objectives come from options and from objectives.yaml beside the model. Every answer is a range, and says what it
    rests on. Exit code 1 when nothing that the pools have meets the objectives.
    """
    from modelyard.cli.views import views
    from modelyard.planning import plan, runs_of, subject_of

    # The repository is read before anything is staged, so that a refusal changes nothing.
    environment = only_environment(repository, environment)
    _, (view,), _ = views(repository, [environment])
    subject = subject_of(view, name)
    files = subject.model.container.manifest.repository.files
    if from_bench:
        from modelyard.cli.benching import keep_runs

        return keep_runs(
            subject, repository, from_bench, device, engine_version, reuse, replicas, dry_run=dry_run, as_json=as_json
        )
    for option, value in (("device", device), ("engine-version", engine_version)):
        if value is not None:
            raise UserError(f"--{option} is for --from-bench", fix="leave it out; a plan looks at every device")
    told = {
        "ttft": ttft,
        "itl": itl,
        "percentile": percentile,
        "rate": rate,
        "concurrency": concurrency,
        "prompt": prompt,
        "output": output,
        "reuse": reuse,
    }
    objectives = _objectives(subject, {key: value for key, value in told.items() if value is not None})
    _refuse_too_long(subject, objectives)
    runs = runs_of(files, subject.model.settings.model_id)
    found = plan(subject, objectives, runs)
    if apply is not None:
        return _apply(repository, found, apply, no_check=no_check, dry_run=dry_run, as_json=as_json)
    if dry_run or no_check:
        raise UserError("--dry-run and --no-check are for --apply and --from-bench", fix="a plan writes nothing")
    others = _what_if(subject, objectives, runs) if what_if else []
    if as_json:
        from modelyard.cli.planned import plan_content
        from modelyard.reporting import json_text

        sys.stdout.write(json_text(plan_content(found, others)))
    else:
        from modelyard.cli.planned import plan_lines
        from modelyard.cli.terminal import look_of, show

        show(plan_lines(found, others, look_of(sys.stdout).width, every=every))
    return ExitCode.CLEAN if found.best is not None else ExitCode.FINDINGS


def _refuse_too_long(subject: Subject, objectives: Objectives) -> None:
    """Refuse requests that are longer than the model's context, which nothing starts with."""
    need, longest, told = objectives.prompt + objectives.output, subject.shape.max_positions, subject.flags
    longer = told.get("max-model-len")
    stretched = (isinstance(longer, int) and longer >= need) or any(name in told for name in _STRETCHING)
    if longest is not None and need > longest and not stretched:
        raise UserError(
            f"a request of {need:,} tokens is longer than {subject.model.name} takes, {longest:,}",
            fix="lower --prompt or --output, or plan a model with a longer context",
        )


_STRETCHING = ("hf-overrides", "rope-scaling")
"""Flags by which a model may take more than its config says."""


def _objectives(subject: Subject, told: dict[str, Any]) -> Objectives:
    """Return the objectives of options over those of the file."""
    from modelyard.planning import objectives_from, objectives_of

    kept = objectives_of(subject.model.container.manifest.repository.files, subject.folder)
    known = kept[0].to_mapping() if kept is not None else {}
    for one, other in (("rate", "concurrency"), ("concurrency", "rate")):
        if one in told:
            known.pop(other, None)
    try:
        return objectives_from({**known, **told})
    except ValueError as problem:
        where = "" if kept is None else f" (with what {kept[1]} says)"
        raise UserError(
            f"{problem}{where}",
            fix="such as --ttft 1.2s --itl 45ms --rate 6 --prompt 1500 --output 300",
        ) from None


def _what_if(subject: Subject, objectives: Objectives, runs: tuple[Run, ...]) -> list[tuple[float, Plan]]:
    from modelyard.planning import plan

    if objectives.rate is None:
        raise UserError("--what-if looks at other rates, and the load is requests at once", fix="name --rate")
    factors = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    rates = [objectives.rate * factor for factor in factors]
    return [(rate, plan(subject, objectives.at(rate), runs, everywhere=False, now=False)) for rate in rates]


def _apply(repository: Path, found: Plan, number: int, *, no_check: bool, dry_run: bool, as_json: bool) -> int:
    from modelyard.cli.planned import candidate_content, candidate_words
    from modelyard.editing import apply_candidate
    from modelyard.planning import first_instance

    if number > len(found.candidates):
        raise UserError(f"there is no candidate {number}", fix=f"name one of 1 to {len(found.candidates)}")
    candidate, subject = found.candidates[number - 1], found.subject
    name, environment = subject.model.name, subject.environment.name
    changes = planned(repository)
    told = apply_candidate(
        changes,
        environment,
        name,
        candidate,
        found.objectives,
        ranks=subject.model.settings.tensor_parallel_size,
        instance=first_instance(subject, candidate.way.machine.ranks),
    )
    done = f"{name} in {environment}: {', '.join(told)}"
    warnings = [] if no_check else require_passing(changes, environment, name, done=done)
    edit = Edit(
        changes,
        done,
        reasons=[candidate_words(found, candidate), candidate.basis.words],
        notes=[*subject.notes, *warnings],
        content={"candidate": candidate_content(found, candidate, number)},
    )
    return finish(edit, dry_run=dry_run, as_json=as_json)
