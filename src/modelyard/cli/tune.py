"""`modelyard tune`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelyard.cli.boundary import verb
from modelyard.cli.edits import Environment, Model, Repository, only_environment
from modelyard.cli.options import AsJson
from modelyard.findings import ExitCode, UserError

if TYPE_CHECKING:
    from modelyard.planning import Advice, Observed, Plan, Run
    from modelyard.reporting import Line

MOST_BYTES = 16 * 1024 * 1024


@verb
def command(
    name: Model,
    environment: Environment = "",
    prometheus: Annotated[
        Path | None,
        typer.Option(
            "--prometheus",
            metavar="FILE",
            help="Answers of /api/v1/query as JSON, one or a list: requests running and waiting, use of the KV cache.",
        ),
    ] = None,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Name what holds a model back from its objectives, and the change that helps most, with its command.

    Reads objectives.yaml beside the model, its plan, its load tests (`modelyard plan --from-bench`) and, where given,
    what Prometheus answered. Nothing is written. Exit code 1 when something should be changed.
    """
    from modelyard.cli.views import views
    from modelyard.planning import advise, objectives_of, plan, runs_of, subject_of

    environment = only_environment(repository, environment)
    _, (view,), _ = views(repository, [environment])
    subject = subject_of(view, name)
    files = subject.model.container.manifest.repository.files
    kept = objectives_of(files, subject.folder)
    if kept is None:
        raise UserError(
            f"{name} in {environment} has no objectives",
            fix=f"modelyard plan {name} --env {environment} --ttft TIME --itl TIME --rate N --prompt N --output N "
            "--apply N writes them",
        )
    runs = runs_of(files, subject.model.settings.model_id)
    found = plan(subject, kept[0], runs)
    advice = advise(found, runs, _observed(prometheus) if prometheus is not None else None)
    if as_json:
        from modelyard.reporting import json_text

        sys.stdout.write(json_text(_content(found, advice)))
    else:
        from modelyard.cli.terminal import look_of, show

        show(_lines(found, advice, runs, look_of(sys.stdout).width))
    return ExitCode.FINDINGS if advice.bottleneck.value != "nothing" else ExitCode.CLEAN


def _observed(file: Path) -> Observed:
    from modelyard.planning import observed
    from modelyard.repository.json import MalformedJSON, parsed
    from modelyard.repository.limits import content_of

    if not file.is_file():
        raise UserError(f"there is no file {file}", fix="keep what /api/v1/query answers in one")
    try:
        text = content_of(file, most=MOST_BYTES, fix="ask instant queries").decode("utf-8", "replace")
        return observed(parsed(text))
    except (ValueError, MalformedJSON) as problem:
        raise UserError(f"{file} is not read: {problem}", fix="keep what /api/v1/query answers in it") from None


def _lines(found: Plan, advice: Advice, runs: tuple[Run, ...], width: int | None) -> list[Line]:
    from modelyard.cli.planned import candidate_words
    from modelyard.reporting import visible, wrapped

    subject, last = found.subject, max(reversed(runs), key=lambda run: run.day, default=None)
    title = f"{subject.model.name} in {subject.environment.name}: bottleneck {advice.bottleneck.value}"
    lines: list[Line] = list(wrapped([], visible(title), "strong", width=width, indent=2))
    rows = [("because: ", "; ".join(advice.because))]
    if advice.now is not None:
        rows += [("now: ", candidate_words(found, advice.now)), ("rests on: ", advice.now.basis.words)]
    if last is not None:
        measured = f"{last.requests:.3g} requests at once, {last.ttft_ms:.0f} ms, {last.itl_ms:.0f} ms a token"
        rows.append(("last load test: ", f"{last.file} of {last.day}: {measured}"))
    if advice.then is not None:
        rows.append(("then: ", candidate_words(found, advice.then)))
    if advice.command:
        rows += [("change: ", advice.change), ("next: ", advice.command)]
    for lead, text in rows:
        lines += wrapped([("  ", "plain"), (lead, "strong")], visible(text), "plain", width=width, indent=4)
    return lines


def _content(found: Plan, advice: Advice) -> dict[str, Any]:
    from modelyard.cli.planned import candidate_content

    return {
        "version": 1,
        "model": found.subject.model.name,
        "environment": found.subject.environment.name,
        "bottleneck": advice.bottleneck.value,
        "because": list(advice.because),
        "change": advice.change,
        "command": advice.command,
        "now": candidate_content(found, advice.now, None) if advice.now is not None else None,
        "then": candidate_content(found, advice.then, None) if advice.then is not None else None,
    }
