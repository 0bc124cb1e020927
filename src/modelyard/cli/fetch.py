"""`modelyard fetch`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli.boundary import verb
from modelyard.cli.options import AsJson, Folder, environment_option, require_folder
from modelyard.findings import ExitCode, UserError

if TYPE_CHECKING:
    from modelyard.fetching import Fetched
    from modelyard.fetching import Progress as Download
    from modelyard.reporting import Line

_MEBIBYTE = 1024 * 1024


@verb
def command(
    path: Folder = Path(),
    environment: Annotated[
        list[str] | None,
        environment_option("Look at the Applications of this environment only; may be repeated."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be fetched; no network, nothing written.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Download the charts and CRDs that a repository uses into the cache, and lock them by digest in charts.lock."""
    from modelyard.cli.terminal import Progress, show
    from modelyard.fetching import fetch
    from modelyard.repository import Repository

    require_folder(path)
    repository = Repository(path)
    if not repository.environments:
        raise UserError(
            f"{repository.root} holds no environments",
            fix="run it in a GitOps repository, or make one with `modelyard new`",
        )
    with Progress() as progress:
        done = fetch(
            repository,
            environments=tuple(environment or ()),
            dry_run=dry_run,
            report=lambda download: progress.say(_advance(download)),
        )
    if as_json:
        from modelyard.reporting import json_text

        sys.stdout.write(json_text([_content(each) for each in done]))
    else:
        show(_lines(done))
    return ExitCode.CLEAN


def _advance(download: Download) -> str:
    from modelyard.reporting import visible

    there = f"{download.received / _MEBIBYTE:.1f}"
    size = f"{there} MiB" if download.expected is None else f"{there} of {download.expected / _MEBIBYTE:.1f} MiB"
    return f"{visible(download.name, longest=60)}: {size}"


def _content(each: Fetched) -> dict[str, str | bool]:
    return {
        "name": each.name,
        "repository": each.repository,
        "digest": each.digest,
        "action": each.action.value,
        "locked": each.locked,
    }


def _lines(done: list[Fetched]) -> list[Line]:
    from modelyard.fetching import Action
    from modelyard.reporting import visible

    if not done:
        return [[("nothing to fetch: no Application names a chart, and modelyard.yaml no CRDs by URL", "plain")]]
    lines: list[Line] = []
    for each in done:
        action = each.action.value if each.locked or each.action is Action.PLANNED else f"{each.action.value}, locked"
        lines.append(
            [
                (action.ljust(17), "good" if each.action is Action.FETCHED else "faint"),
                (visible(each.name), "strong"),
                (f"  {visible(each.repository)}" if each.repository else "", "faint"),
            ]
        )
    return lines
