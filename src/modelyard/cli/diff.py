"""`modelyard diff`."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli.boundary import abandon_standard_output, verb
from modelyard.cli.choices import FailOn
from modelyard.cli.options import Folder, Jobs, NoCache, OutputFile, environment_option, require_folder
from modelyard.findings import ExitCode, UserError

if TYPE_CHECKING:
    from modelyard.cli.outputs import Output
    from modelyard.diffing import Comparison

_FORMATS = ("text", "markdown", "gitlab", "json")
_COMMENTS = ("markdown", "gitlab")


@verb
def command(
    sides: Annotated[
        str,
        typer.Argument(
            metavar="BASE..HEAD",
            help="Two commits; three dots for what HEAD adds since both parted; BASE alone for the working tree.",
        ),
    ],
    path: Folder = Path(),
    environment: Annotated[
        list[str] | None,
        environment_option("Compare this environment only; may be repeated."),
    ] = None,
    format: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT[=FILE]",
            help="text, json, markdown for a comment, gitlab for a note; markdown=FOLDER/ writes one per environment.",
            show_default="text",
        ),
    ] = None,
    output: OutputFile = None,
    findings: Annotated[
        bool, typer.Option("--findings", help="Tell which findings come and go too; reads whole environments.")
    ] = False,
    policies: Annotated[
        bool, typer.Option("--policies", help="Run the repository's own rules in policies/, which are code.")
    ] = False,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Least severity of a new finding that fails the command.")
    ] = FailOn.ERROR,
    strict: Annotated[bool, typer.Option("--strict", help="Fail when anything was not compared; for CI.")] = False,
    artifact: Annotated[
        str, typer.Option("--artifact", metavar="URL", help="Where the whole text is, for a comment that is cut.")
    ] = "",
    no_cache: NoCache = False,
    jobs: Jobs = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No fields of resources, no progress.")] = False,
) -> int:
    """Show what a change does to each cluster: objects added, removed and restarted, and immutable fields."""
    from modelyard.cli.outputs import outputs
    from modelyard.cli.terminal import Progress

    wanted = outputs(format or (), output, _FORMATS, _COMMENTS)
    least = fail_on.severity
    require_folder(path)

    from modelyard.diffing import DiffOptions, compare

    options = DiffOptions(
        environments=tuple(environment or ()),
        findings=findings,
        policies=policies,
        use_cache=not no_cache,
        jobs=jobs,
    )
    with Progress(quiet=quiet) as progress:
        comparison = compare(path, sides, options, progress)
    try:
        for each in wanted:
            _deliver(comparison, each, artifact=artifact, quiet=quiet)
    except BrokenPipeError:
        abandon_standard_output()
    if comparison.fails(least):
        return ExitCode.FINDINGS
    return ExitCode.NOT_CHECKED if strict and comparison.incomplete else ExitCode.CLEAN


def _deliver(comparison: Comparison, output: Output, *, artifact: str, quiet: bool) -> None:
    from modelyard.cli.outputs import to_file, to_standard_output

    file = output.file
    if file is None:
        to_standard_output(_written(comparison, output.format, artifact, terminal=True, quiet=quiet), output.format)
    elif output.folder:
        _comments(comparison, file, output.format, artifact)
    else:
        text = _written(comparison, output.format, artifact, terminal=False, quiet=quiet)
        to_file(file, text.encode("utf-8", "backslashreplace"))


def _comments(comparison: Comparison, folder: Path, format: str, artifact: str) -> None:
    """Write one comment per environment that differs; a file that an earlier run left is taken away."""
    from modelyard.cli.outputs import to_file
    from modelyard.diffing.markdown import comment

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in comparison.all_environments:
            (folder / f"{name}.md").unlink(missing_ok=True)
    except OSError as problem:
        raise UserError(f"{folder} cannot be written: {problem.strerror}", fix="name another folder") from None
    for change in comparison.environments:
        if change.differs:
            text = comment(change, comparison, artifact, _limit(format))
            to_file(folder / f"{change.name}.md", text.encode("utf-8", "backslashreplace"))


def _limit(format: str) -> int:
    from modelyard.diffing.markdown import GITLAB_LIMIT, LIMIT

    return GITLAB_LIMIT if format == "gitlab" else LIMIT


def _written(comparison: Comparison, format: str, artifact: str, *, terminal: bool, quiet: bool) -> str:
    stream = io.StringIO()
    if format == "json":
        from modelyard.diffing import json_v1

        json_v1.write(comparison, stream)
    elif format in _COMMENTS:
        from modelyard.diffing import markdown

        markdown.write(comparison, stream, artifact, _limit(format))
    else:
        from modelyard.cli.terminal import look_of
        from modelyard.diffing import text
        from modelyard.reporting import Presentation

        look = look_of(sys.stdout)
        shown = (
            Presentation(colour=look.colour, width=look.width, ascii=look.ascii, quiet=quiet)
            if terminal
            else Presentation(quiet=quiet)
        )
        text.write(comparison, stream, shown)
    return stream.getvalue()
