"""`modelyard env`: the environments of a repository."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import verb
from modelyard.cli.edits import DryRun, Edit, IgnoreNotFound, Repository, finish, planned
from modelyard.cli.options import AsJson
from modelyard.findings import ExitCode, UserError

if TYPE_CHECKING:
    from modelyard.reporting import Line

Name = Annotated[str, typer.Argument(metavar="NAME", help="The environment.", autocompletion=completing.environments)]
_TERRAFORM_SECONDS = 300.0


def application() -> typer.Typer:
    """Return the verb with its own verbs."""
    app = typer.Typer(help="List, add, remove and sync environments.", no_args_is_help=True, rich_markup_mode=None)
    app.callback()(_env)
    app.command("list")(list_environments)
    app.command("add")(add)
    app.command("remove")(remove)
    app.command("sync")(sync)
    return app


def _env() -> None:
    """List, add, remove and sync environments."""


@verb
def list_environments(repository: Repository = Path(), as_json: AsJson = False) -> int:
    """List the environments: account, region, cluster, tracked revision and number of models."""
    from modelyard.editing import environment_rows

    found = environment_rows(planned(repository))
    if as_json:
        from dataclasses import asdict

        from modelyard.reporting import json_text

        sys.stdout.write(json_text({"version": 1, "environments": [asdict(each) for each in found]}))
        return ExitCode.CLEAN
    from modelyard.cli.terminal import show
    from modelyard.reporting import visible
    from modelyard.wording import counted

    lines: list[Line] = []
    longest = max((len(visible(each.name)) for each in found), default=0)
    for each in found:
        parts = [each.region, each.account, f"cluster {each.cluster}", f"Kubernetes {each.kubernetes}"]
        parts += [f"follows {each.revision}"] if each.revision else []
        parts += [counted(len(each.models), "model"), counted(len(each.components), "platform component")]
        parts += [f"template {each.template}"] if each.template else []
        parts += ["protected"] if each.protected else []
        lines.append([(visible(each.name).ljust(longest), "strong"), (f"  {visible(', '.join(parts))}", "plain")])
    show(lines or [[("no environments here", "plain")]])
    return ExitCode.CLEAN


@verb
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new environment.")],
    answers: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help="YAML file with answers to the questions.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", "-d", metavar="QUESTION=ANSWER", help="One answer, before the file's; may be repeated."),
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: take the default of every question not answered.")
    ] = False,
    template: Annotated[
        str | None,
        typer.Option(
            "--template", metavar="URL", help="Folder or Git URL of the template.", show_default="the repository's"
        ),
    ] = None,
    ref: Annotated[
        str | None,
        typer.Option(
            "--ref", metavar="REF", help="Tag, branch or commit of the template.", show_default="the repository's"
        ),
    ] = None,
    owner: Annotated[
        list[str] | None,
        typer.Option("--owner", metavar="OWNER", help="Who reviews it, as in CODEOWNERS; may be repeated."),
    ] = None,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Add an environment by the template's questions, as `modelyard new` does."""
    from modelyard.cli.new import answers_given, told
    from modelyard.editing import Changes, require_owners, set_owners
    from modelyard.scaffolding import new_environment

    require_owners(owner or ())
    made = new_environment(
        repository,
        environment=name,
        template=template,
        ref=ref,
        answers_file=answers,
        data=answers_given(data or []),
        interactive=False if defaults or as_json else None,
        dry_run=dry_run,
        tell=told,
    )
    if dry_run:
        changes = Changes(repository)
        for path, text in made.files.items():
            changes.write(path, text)
        if owner:
            set_owners(changes, made.environment, owner)
        return finish(
            Edit(changes, f"environment {made.environment} is added, from template {made.template}"),
            dry_run=True,
            as_json=as_json,
        )
    if owner:
        changes = Changes(repository)
        set_owners(changes, made.environment, owner)
        changes.apply()
    if as_json:
        from modelyard.reporting import json_text

        content = {"version": 1, "environment": made.environment, "template": made.template, "written": True}
        sys.stdout.write(json_text(content))
        return ExitCode.CLEAN
    sys.stdout.write(
        f"environments/{made.environment} is written, from template {made.template}; it is not committed yet\n"
        f"next: modelyard check --env {made.environment}\n"
    )
    return ExitCode.CLEAN


@verb
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it though it is protected.")] = False,
    ignore_not_found: IgnoreNotFound = False,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Remove the files of an environment, and list what remains in the cloud."""
    from modelyard.editing import environment_rows, remove_environment

    changes = planned(repository)
    if ignore_not_found and name not in {each.name for each in environment_rows(changes)}:
        return finish(Edit(changes, f"there is no environment {name}"), dry_run=dry_run, as_json=as_json)
    remains = remove_environment(changes, name, yes=yes)
    notes = [f"what remains: {each}" for each in remains]
    edit = Edit(
        changes, f"the files of environment {name} are removed", notes=notes, content={"remains": list(remains)}
    )
    return finish(edit, dry_run=dry_run, as_json=as_json)


@verb
def sync(
    name: Name,
    outputs: Annotated[
        str | None,
        typer.Option(
            "--outputs",
            metavar="FILE",
            help="What `terraform output -json` printed; - reads standard input.",
            show_default="what Terraform says in terraform/",
        ),
    ] = None,
    dry_run: DryRun = False,
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> int:
    """Copy Terraform outputs (IDs, ARNs) into the files of an environment."""
    from modelyard.editing import outputs as parsed
    from modelyard.editing import sync_outputs

    changes = planned(repository)
    written, missing = sync_outputs(changes, name, parsed(_outputs(repository, outputs)))
    notes = [f"not set: {each}" for each in missing]
    edit = Edit(changes, f"{name} has Terraform's outputs", written, notes, {"missing": missing})
    return finish(edit, dry_run=dry_run, as_json=as_json)


def _outputs(repository: Path, file: str | None) -> str:
    from modelyard.repository.limits import content_of, standard_input

    fix = "terraform output -json > outputs.json"
    if file == "-":
        return standard_input(fix=fix)
    if file is not None:
        try:
            return content_of(Path(file), fix=fix, pipes=True).decode("utf-8")
        except UnicodeDecodeError:
            raise UserError(f"{file} cannot be read: it is not UTF-8", fix=fix) from None
    from modelyard.tooling import require, run

    folder = repository / "terraform"
    if not (folder / ".terraform").is_dir():
        raise UserError(
            f"{folder} is not initialised, so that Terraform knows no outputs",
            fix="run terraform init there with the environment's backend.hcl, or give --outputs FILE",
        )
    done = run(
        [require("terraform").path, "output", "-json", "-no-color"], cwd=folder, timeout=_TERRAFORM_SECONDS, check=True
    )
    return done.stdout.decode("utf-8", "replace")
