"""`modelyard place`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli import completing
from modelyard.cli.boundary import abandon_standard_output, verb
from modelyard.findings import ExitCode, Refusal

if TYPE_CHECKING:
    from modelyard.cli.placed import Placed
    from modelyard.findings import NotChecked


@verb
def command(
    path: Annotated[Path, typer.Argument(help="The GitOps repository.", show_default="the current folder")] = Path(),
    environment: Annotated[
        list[str] | None,
        typer.Option(
            "--env",
            "-e",
            metavar="NAME",
            help="Look at this environment only; may be repeated.",
            autocompletion=completing.environments,
        ),
    ] = None,
    application: Annotated[
        list[str] | None,
        typer.Option(
            "--application",
            "-a",
            metavar="NAME",
            help="Show this Application only; may be repeated.",
            autocompletion=completing.applications,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail when anything was not checked; for CI.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Show which nodes can take the pods: pools in Karpenter's order, instance types by price, zones."""
    if not path.is_dir():
        raise Refusal(
            f"{path} is not a folder" if path.exists() else f"there is no folder {path}",
            fix="name the folder of a GitOps repository",
        )
    from modelyard.checking import CheckOptions, environments
    from modelyard.cli.placed import placed
    from modelyard.cli.terminal import Progress
    from modelyard.repository import Repository

    repository = Repository(path)
    options = CheckOptions(environments=tuple(environment or ()))
    gaps: list[NotChecked] = []
    with Progress() as progress:
        found = [placed(view, application or ()) for view in environments(repository, options, progress, gaps)]
    try:
        _show(found, gaps, as_json=as_json)
    except BrokenPipeError:
        abandon_standard_output()  # the reader left, but the verdict stands
    if any(each.refused for each in found):
        return ExitCode.FINDINGS
    if strict and (gaps or any(each.unknown for each in found)):
        return ExitCode.NOT_CHECKED
    return ExitCode.CLEAN


def _show(found: list[Placed], gaps: list[NotChecked], *, as_json: bool) -> None:
    if as_json:
        import orjson

        from modelyard.cli.placed import as_mapping

        content = {
            "version": 1,
            "environments": [as_mapping(each) for each in found],
            "not-checked": [{"subject": str(gap.subject), "reason": gap.reason} for gap in gaps],
        }
        sys.stdout.write(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    from modelyard.cli.placed import lines
    from modelyard.cli.terminal import look_of, show
    from modelyard.reporting import wrapped

    width = look_of(sys.stdout).width
    show([line for each in found for line in lines(each, width)])
    for gap in gaps:
        fix = f"; {gap.fix}" if gap.fix else ""
        text = f"{gap.subject} ({gap.reason}{fix})"
        show(list(wrapped([("not checked: ", "gap")], text, "plain", width=width, indent=13)))
