"""Options that several verbs take, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from modelyard.cli import completing
from modelyard.cli.choices import FailOn
from modelyard.findings import UserError

Folder = Annotated[Path, typer.Argument(help="The GitOps repository.", show_default="the current folder")]
OutputFile = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="File for the format that names none.")
]
ReportFormats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT[=FILE]",
        help="text, json, sarif, junit, github, gitlab or markdown, to a file or standard output; may be repeated.",
        show_default="text",
        autocompletion=completing.formats,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
FailsOn = Annotated[FailOn, typer.Option("--fail-on", help="Least severity that makes the check fail.")]
RunsPolicies = Annotated[
    bool | None,
    typer.Option(
        "--policies/--no-policies",
        show_default="on where you made the repository or MODELYARD_POLICIES names it",
        help="Run the repository's own rules in policies/, which are code.",
    ),
]
StrictlyChecked = Annotated[bool, typer.Option("--strict", help="Fail when anything was not checked; for CI.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Neither use nor keep renderings and findings.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", metavar="N", min=1, help="Processes at a time.", show_default="processors"),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        help="The model of this name only; may be repeated.",
        autocompletion=completing.deployed,
    ),
]
Plans = Annotated[
    list[Path] | None,
    typer.Option(
        "--plan",
        metavar="FILE",
        help="What Terraform would make, as terraform show -json prints a plan; once for each environment.",
        dir_okay=False,
    ),
]


def environment_option(help: str, **others: Any) -> Any:
    """Return `--env`, completed with the repository's environments."""
    return typer.Option("--env", "-e", metavar="NAME", help=help, autocompletion=completing.environments, **others)


def application_option(help: str) -> Any:
    """Return `--application`, completed with the repository's Applications."""
    return typer.Option("--application", "-a", metavar="NAME", help=help, autocompletion=completing.applications)


def require_folder(path: Path) -> None:
    """Refuse a path that is no folder; an edit of it that was cut short is finished first.

    Raises:
        UserError: It does not exist, is a file, an edit is being written, or it brings an edit or a cache of its own.
    """
    if not path.is_dir():
        raise UserError(
            f"{path} is not a folder" if path.exists() else f"there is no folder {path}",
            fix="name the folder of a GitOps repository",
        )
    from modelyard.repository.journal import finish_interrupted
    from modelyard.repository.own_folders import require_own_cache

    require_own_cache(path)
    finish_interrupted(path)
