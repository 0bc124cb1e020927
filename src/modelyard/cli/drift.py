"""`modelyard drift`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelyard.cli.boundary import verb
from modelyard.cli.options import AsJson
from modelyard.findings import ExitCode, UserError

if TYPE_CHECKING:
    from modelyard.diffing.drift import Standing
    from modelyard.diffing.merged import Merged
    from modelyard.repository import Repository

_MOST_BYTES = 128 * 1024 * 1024
_MOST_VALUES = 8_000_000
_FIX = "give a file for each namespace or cluster"
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,62})=(.+)")
_STREAM = "-"


@verb
def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="[CLUSTER=]FILE...",
            help="Applications of a cluster as JSON, or - for standard input: `kubectl get applications.argoproj.io -A "
            "-o json`, `argocd app list -o json`. The cluster is named by the file where it is not said.",
        ),
    ],
    repository: Annotated[
        Path | None,
        typer.Option(
            "--repository",
            metavar="FOLDER",
            help="A clone with what is merged.",
            show_default="the current folder, where it is one",
        ),
    ] = None,
    merged: Annotated[
        str,
        typer.Option(
            "--merged", metavar="REV", help="What is merged.", show_default="the branch at the remote, as last fetched"
        ),
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Fail where an Application cannot be told about.")] = False,
    all: Annotated[bool, typer.Option("--all", help="Show Applications that run what is merged too.")] = False,
    as_json: AsJson = False,
) -> int:
    """Show which Applications do not run what is merged, since when, and why, by cluster.

    Nothing is asked of a cluster, changed or fetched: it reads files that you made. Where a cluster has the name of an
    environment, Applications that are merged and not there are named too.
    """
    from modelyard.cli.drifted import drift_content, drift_lines
    from modelyard.cli.terminal import show
    from modelyard.diffing.drift import State
    from modelyard.reporting import json_text

    clone = _clone(repository, merged)
    clusters = _clusters(files, clone)
    if as_json:
        sys.stdout.write(json_text(drift_content(clusters)))
    else:
        show(drift_lines(clusters, every=all))
    states = {each.state for standings in clusters.values() for each in standings}
    if states - {State.SAME, State.UNKNOWN}:
        return ExitCode.FINDINGS
    return ExitCode.NOT_CHECKED if not states or (strict and State.UNKNOWN in states) else ExitCode.CLEAN


def _clone(folder: Path | None, revision: str) -> Merged | None:
    from modelyard.checking.scopes import opened
    from modelyard.cli.options import require_folder
    from modelyard.diffing.merged import Merged

    here = folder or Path()
    if (
        folder is None
        and not revision
        and not any((each / ".git").exists() for each in (here.resolve(), *here.resolve().parents))
    ):
        return None
    require_folder(here)
    repository = opened(here)
    if not repository.commit(revision or "HEAD"):
        if folder is None and not revision:
            return None
        what = f"there is no revision {revision} in {here}" if revision else f"{here} is no clone with a commit"
        raise UserError(what, fix="name a clone of the repository, with --repository, and a revision that it has")
    return Merged(repository, revision)


def _clusters(files: Sequence[str], clone: Merged | None) -> dict[str, list[Standing]]:
    from modelyard.diffing.drift import standing
    from modelyard.diffing.live import IN_CLUSTER, live_applications
    from modelyard.repository.json import parsed

    found: dict[str, list[Standing]] = {}
    given: dict[str, set[str]] = {}
    for word in files:
        name, file = _named(word)
        content = parsed(
            _content(file), file if file != _STREAM else "standard input", most=_MOST_BYTES, values=_MOST_VALUES
        )
        seen = given.setdefault(name, set())
        found.setdefault(name, [])
        for each in live_applications(content, file):
            cluster = name if each.cluster in (IN_CLUSTER, name) else each.cluster
            found.setdefault(cluster, []).append(standing(each, clone))
            seen.add(each.name)
    for name, missing in _missing(clone.repository if clone else None, given).items():
        found[name] += missing
    for standings in found.values():
        standings.sort(key=lambda each: (_rank(each), each.name))
    return {name: found[name] for name in sorted(found) if found[name] or name in given}


def _rank(standing: Standing) -> int:
    from modelyard.diffing.drift import State

    return list(State).index(standing.state)


def _missing(repository: Repository | None, given: Mapping[str, set[str]]) -> dict[str, list[Standing]]:
    """Return the Applications of environments that are not in the cluster of the environment's name."""
    if repository is None or not any(name in repository.environments for name in given):
        return {}
    from modelyard.checking.environments import application_names
    from modelyard.diffing.drift import Standing, State

    known = application_names(repository.root)
    return {
        name: [
            Standing(None, each, State.MISSING, "it is in the repository, and not among the cluster's Applications")
            for each in known.get(name, ())
            if each not in seen
        ]
        for name, seen in given.items()
        if name in known
    }


def _named(word: str) -> tuple[str, str]:
    found = _NAMED.fullmatch(word)
    if found and not Path(word).exists():
        return found[1], found[2]
    return ("standard input" if word == _STREAM else Path(word).stem), word


def _content(file: str) -> bytes:
    from modelyard.repository.limits import content_of, standard_input

    if file == _STREAM:
        return standard_input(most=_MOST_BYTES, fix=_FIX).encode()
    path = Path(file)
    if path.is_dir():
        raise UserError(f"{file} is a folder", fix=f"name the files in it, such as {file}/*.json")
    return content_of(path, file, most=_MOST_BYTES, fix=_FIX, pipes=True)
