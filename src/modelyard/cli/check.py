"""`modelyard check`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import abandon_standard_output, verb
from modelyard.cli.choices import BackendName, FailOn
from modelyard.cli.options import (
    Folder,
    Jobs,
    NoCache,
    OutputFile,
    Plans,
    StrictlyChecked,
    application_option,
    environment_option,
    require_folder,
)
from modelyard.findings import Severity, UserError

if TYPE_CHECKING:
    from modelyard.checking import Backend
    from modelyard.reporting import Presentation

_SHARD = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})")


@verb
def command(
    path: Folder = Path(),
    environment: Annotated[
        list[str] | None,
        environment_option("Check this environment only; may be repeated."),
    ] = None,
    application: Annotated[
        list[str] | None,
        application_option("Report on this Application only; may be repeated."),
    ] = None,
    format: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT[=FILE]",
            help="text, json, sarif, junit, github, gitlab or markdown, to a file or standard output; may be repeated.",
            show_default="text",
            autocompletion=completing.formats,
        ),
    ] = None,
    output: OutputFile = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Least severity that makes the check fail.")
    ] = FailOn.ERROR,
    strict: StrictlyChecked = False,
    policies: Annotated[
        bool | None,
        typer.Option(
            "--policies/--no-policies",
            show_default="on where you made the repository or MODELYARD_POLICIES names it",
            help="Run the repository's own rules in policies/, which are code.",
        ),
    ] = None,
    no_cache: NoCache = False,
    kubernetes_version: Annotated[
        str | None,
        typer.Option("--kubernetes-version", metavar="VERSION", help="1.35 or 1.36, whatever the environments say."),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Check the I-th of N parts, such as 2/8; for CI."),
    ] = None,
    backend: Annotated[
        BackendName | None,
        typer.Option("--backend", help="What renders.", show_default="library where it is installed"),
    ] = None,
    jobs: Jobs = None,
    plan: Plans = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Findings and the last line only; no progress.")] = False,
) -> int:
    """Check that nothing in a GitOps repository stands in the way of its syncing, scheduling and starting."""
    from modelyard.cli.outputs import deliver, outputs
    from modelyard.cli.terminal import Progress

    wanted = outputs(format or (), output)
    least, part = fail_on.severity, _shard(shard)
    require_folder(path)

    from modelyard.checking import CheckOptions, check

    options = CheckOptions(
        environments=tuple(environment or ()),
        applications=tuple(application or ()),
        use_cache=not no_cache,
        policies=policies,
        shard=part,
        backend=None if backend is None else _backend(backend),
        jobs=jobs,
        kubernetes_version=kubernetes_version,
        plans=tuple(plan or ()),
    )
    with Progress(quiet=quiet) as progress:
        report = check(path, options, progress)
    code = report.exit_code(least, strict)
    try:
        deliver(report, wanted, _presentation(report.root, least, strict=strict, quiet=quiet))
    except BrokenPipeError:
        # The reader left, but the verdict stands.
        abandon_standard_output()
    return code


def _presentation(root: Path, fail_on: Severity, *, strict: bool, quiet: bool) -> Presentation:
    from modelyard.cli.terminal import look_of
    from modelyard.reporting import Presentation
    from modelyard.rules import rules

    look = look_of(sys.stdout)
    return Presentation(
        colour=look.colour,
        width=look.width,
        ascii=look.ascii,
        quiet=quiet,
        fail_on=fail_on,
        strict=strict,
        path_prefix=path_prefix(root),
        rules=rules(),
    )


def path_prefix(root: Path) -> str:
    """Return the path from the top of the Git checkout to `root`, with a slash at its end; empty at the top."""
    root = root.resolve()
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            relative = root.relative_to(folder).as_posix()
            return "" if relative == "." else f"{relative}/"
    return ""


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = _SHARD.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        raise UserError(f"--shard {text} is not a part of a whole", fix="write I/N with 1 ≤ I ≤ N, such as 2/8")
    return int(found[1]), int(found[2])


def _backend(name: BackendName) -> Backend:
    return "library" if name is BackendName.LIBRARY else "processes"
