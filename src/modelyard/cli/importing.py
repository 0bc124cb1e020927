"""`modelyard import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import verb
from modelyard.cli.edits import (
    DryRun,
    Edit,
    Environment,
    NoCheck,
    Repository,
    finish,
    only_environment,
    require_passing,
)
from modelyard.cli.options import AsJson
from modelyard.findings import UserError

_MOST_BYTES = 1024 * 1024
_FIX = "name a values file or a manifest of one model"


@verb
def command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A manifest, values or a compose file; - for standard input.")
    ],
    environment: Environment = "",
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Name of the model here.", show_default="as it is there")
    ] = "",
    only: Annotated[str, typer.Option("--only", metavar="NAME", help="Which model, where the file has several.")] = "",
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="ID",
            help="Serve this model instead, such as its publisher's.",
            autocompletion=completing.models,
        ),
    ] = "",
    fields: Annotated[bool, typer.Option("--fields", help="Tell of each field of the file, one a line.")] = False,
    no_check: NoCheck = False,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Import a deployment of a model by vLLM, and list what is carried, what is set here, and what is lost.

    Manifests: Deployment, StatefulSet, Pod, LeaderWorkerSet, RayService, VLLMRuntime, InferenceService and
    LLMInferenceService of KServe, StormService of AIBrix, Model of KubeAI, Workspace of KAITO, NIMService of NVIDIA.
    Values: of inference-charts, of production-stack, of llm-d-modelservice. Also compose files and docker run.
    """
    from modelyard.editing import Changes, adopt, foreign

    environment = only_environment(repository, environment)
    found = foreign(str(file), _text(file), only)
    made = adopt(lambda: Changes(repository), environment, found, name, model)
    changes = made.candidate.changes
    done = f"{made.name} is added to {environment}, from {found.source}"
    attempt = f"{done}, with overlay {made.candidate.overlay.name}"
    warnings = [] if no_check else require_passing(changes, environment, made.name, done=attempt)
    reasons = [*made.candidate.reasons]
    if fields:
        reasons += [
            f"{each.outcome:7} {each.path}"
            + (f" ({each.subject})" if each.subject != each.path else "")
            + (f": {each.why}" if each.why else "")
            for each in made.fields
        ]
        notes = [*made.notes, *warnings]
    else:
        reasons += [f"carried: {each}" for each in made.carried] + [f"set here: {each}" for each in made.set]
        notes = [*made.notes, *(f"lost: {each}" for each in made.lost), *warnings]
    content = {
        "name": made.name,
        "overlay": made.candidate.overlay.name,
        "source": made.source,
        "fields": [
            {"path": each.path, "subject": each.subject, "outcome": str(each.outcome), "why": each.why}
            for each in made.fields
        ],
    }
    return finish(Edit(changes, done, reasons, notes, content), dry_run=dry_run, as_json=as_json)


def _text(file: Path) -> str:
    from modelyard.repository.limits import content_of, standard_input

    if str(file) == "-":
        return standard_input(most=_MOST_BYTES, fix=_FIX)
    try:
        return content_of(file, most=_MOST_BYTES, fix=_FIX, pipes=True).decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{file} cannot be read: it is not UTF-8", fix=_FIX) from None
