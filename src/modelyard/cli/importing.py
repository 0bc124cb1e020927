"""`modelyard import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
        Path, typer.Argument(metavar="FILE", help="Values of inference-charts, or a manifest with a vLLM Deployment.")
    ],
    environment: Environment = "",
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Name of the model here.", show_default="as it is there")
    ] = "",
    model: Annotated[
        str, typer.Option("--model", metavar="ID", help="Serve this model instead, such as its publisher's.")
    ] = "",
    no_check: NoCheck = False,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Import an existing vLLM Deployment or Helm values file as a model, and list what was not carried over."""
    from modelyard.editing import Changes, adopt, foreign

    environment = only_environment(repository, environment)
    found = foreign(str(file), _text(file))
    made = adopt(lambda: Changes(repository), environment, found, name, model)
    changes = made.candidate.changes
    done = f"{made.name} is added to {environment}, from {found.source}"
    attempt = f"{done}, with overlay {made.candidate.overlay.name}"
    warnings = [] if no_check else require_passing(changes, environment, made.name, done=attempt)
    reasons = [*made.candidate.reasons, *(f"carried over: {each}" for each in made.carried)]
    notes = [*(f"not carried over: {each}" for each in made.lost), *warnings]
    content = {
        "name": made.name,
        "overlay": made.candidate.overlay.name,
        "carried": made.carried,
        "not-carried": made.lost,
    }
    return finish(Edit(changes, done, reasons, notes, content), dry_run=dry_run, as_json=as_json)


def _text(file: Path) -> str:
    from modelyard.repository.limits import content_of

    try:
        return content_of(file, most=_MOST_BYTES, fix=_FIX, pipes=True).decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{file} cannot be read: it is not UTF-8", fix=_FIX) from None
