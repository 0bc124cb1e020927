"""`modelyard report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelyard.cli.boundary import verb
from modelyard.cli.choices import FailOn
from modelyard.cli.merging import WithMerge
from modelyard.cli.options import (
    AsJson,
    FailsOn,
    Folder,
    Jobs,
    NoCache,
    Plans,
    RunsPolicies,
    StrictlyChecked,
    application_option,
    environment_option,
    require_folder,
)

if TYPE_CHECKING:
    from modelyard.checking import CheckOptions
    from modelyard.cli.terminal import Progress

COMMAND = WithMerge
DEFAULT_FILE = Path("report.html")


@verb
def command(
    path: Folder = Path(),
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where the page is written.")
    ] = DEFAULT_FILE,
    environment: Annotated[
        list[str] | None,
        environment_option("Show this environment only; may be repeated."),
    ] = None,
    application: Annotated[
        list[str] | None,
        application_option("Show this Application only; may be repeated."),
    ] = None,
    fail_on: FailsOn = FailOn.ERROR,
    strict: StrictlyChecked = False,
    policies: RunsPolicies = None,
    no_cache: NoCache = False,
    jobs: Jobs = None,
    plan: Plans = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="REVISION", help="Show what changed since a revision too, such as main."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write a check as one HTML page: findings, memory, placement, latency, cost, sync order and references.

    The page needs no network and no server. The exit code is that of `modelyard check`. With --json the content of the
    page goes to standard output, and no file is written.

    `modelyard report merge FILES...` merges JSON reports of several checks into one.

    With --since the page begins with what changed since a revision: the outcome, what each Application becomes, fits,
    runs on and costs, what restarts, and every field that differs.
    """
    from modelyard.cli.outputs import to_file, to_standard_output
    from modelyard.cli.terminal import Progress

    require_folder(path)

    from modelyard.checking import CheckOptions, check_with_views
    from modelyard.htmlreport import document, page_content
    from modelyard.reporting import Presentation, json_text, visible
    from modelyard.rules import rules

    options = CheckOptions(
        environments=tuple(environment or ()),
        applications=tuple(application or ()),
        use_cache=not no_cache,
        policies=policies,
        jobs=jobs,
        plans=tuple(plan or ()),
    )
    with Progress() as progress:
        checked = check_with_views(path, options, progress)
        changes = _changes(path, since, options, progress) if since is not None else None
    presentation = Presentation(fail_on=fail_on.severity, strict=strict, rules=rules())
    content = page_content(checked, presentation, checked.report.root.resolve().name, changes)
    if as_json:
        to_standard_output(json_text(content), "json")
    else:
        to_file(output, document(content).encode())
        sys.stdout.write(f"{visible(str(output))} is written; open it in a browser\n")
    return checked.report.exit_code(fail_on.severity, strict)


def _changes(path: Path, since: str, options: CheckOptions, progress: Progress) -> dict[str, Any]:
    from modelyard.diffing import DiffOptions, changes_content, compare

    wanted = DiffOptions(
        environments=options.environments,
        findings=True,
        policies=bool(options.policies),
        use_cache=options.use_cache,
        jobs=options.jobs,
    )
    return changes_content(compare(path, since, wanted, progress))
