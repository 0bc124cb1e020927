"""`modelyard promote`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import verb
from modelyard.cli.edits import DryRun, Edit, NoCheck, Repository, finish, planned, require_passing
from modelyard.cli.options import AsJson


@verb
def command(
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="Where it was tried.", autocompletion=completing.environments)
    ],
    target: Annotated[str, typer.Argument(metavar="TO", help="What gets it.", autocompletion=completing.environments)],
    model: Annotated[
        str,
        typer.Option("--model", "-m", metavar="NAME", help="This model only.", autocompletion=completing.deployed),
    ] = "",
    revision: Annotated[
        str,
        typer.Option("--revision", metavar="REF", help="Tag or commit to pin TO to.", show_default="what FROM is at"),
    ] = "",
    no_check: NoCheck = False,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Copy image tags, settings and features of models from one environment to another.

    An environment that is pinned to a tag or commit gets the revision. Otherwise image tags, settings and features of
    models move. Replicas, pools, and what follows from nodes, zones, storage and addresses of an environment stay.
    """
    from modelyard.editing import promote
    from modelyard.wording import counted, join_and

    changes = planned(repository)
    made = promote(changes, source, target, model, revision)
    what = f"{model} of {source}" if model else source
    done = f"{what} is promoted to {target}"
    if not changes.files_changed:
        done = f"nothing to promote from {what} to {target}: what both have is the same"
    if made.left:
        left = counted(len(made.left), "model")
        done += f"; not promoted: {left} that {source} alone has ({join_and(made.left, most=6)})"
    warnings = [] if no_check or revision else require_passing(changes, target, model, done=done)
    notes = [*made.kept, *warnings]
    content = {"moved": made.moved, "kept": made.kept, "left": made.left}
    return finish(Edit(changes, done, made.moved, notes, content, idle=""), dry_run=dry_run, as_json=as_json)
