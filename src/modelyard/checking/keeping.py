"""A check of each environment by itself, of those only of which something changed.

Each environment is read by files that write down what is asked of them, so that what it was made of need not be known
beforehand: docs/adr/0630-findings-are-kept-with-the-questions-asked.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from modelyard.checking.examined import Examination, load_rules, runs_policies
from modelyard.checking.kept_findings import KeptFindings
from modelyard.checking.options import CheckOptions, Progress
from modelyard.checking.recorded import RecordedRepository, Survey
from modelyard.checking.revisions import Revisions
from modelyard.checking.tools import CheckContext, by_version, folders
from modelyard.findings import NotChecked
from modelyard.repository import EnvironmentFolder, Repository
from modelyard.repository.kustomization import FILE_NAMES
from modelyard.repository.locks import Lock, cache_path, read_lock
from modelyard.repository.recording import RecordedFiles
from modelyard.tooling import cache, find
from modelyard.tooling.identity import code_identity
from modelyard.tooling.renderer import prestart_renderer

if TYPE_CHECKING:
    from modelyard.checking.environments import RenderedEnvironment


def is_kept(repository: Repository, options: CheckOptions) -> bool:
    """Return whether all that decides the findings of a check can be told again at the next one.

    Policies are code of the repository, which reads what it likes; plans lie outside of it.
    """
    return (
        options.use_cache
        and options.backend != "processes"
        and not options.plans
        and find("modelyard-render") is not None
        and not runs_policies(repository, options)
    )


def kept_or_examined(
    repository: Repository, options: CheckOptions, progress: Progress, since: int
) -> tuple[list[Examination], tuple[NotChecked, ...]]:
    """Return what is said of each environment, and what is not checked for lack of tools.

    Args:
        repository: The repository; `is_kept` says yes to it.
        options: What to check, and how.
        progress: Told how far the check is.
        since: When the repository was opened, in nanoseconds since the epoch.

    Raises:
        UserError: As for a check.
    """
    # Where nothing is kept yet, the renderer gets ready while it is found out what there is to render.
    first = not (cache() / "findings").is_dir()
    if first:
        load_rules(options)
    with prestart_renderer() if first else nullcontext() as prestarted:
        context = CheckContext(repository, options, prestarted)
        return _Keeper(repository, options, context, since).examinations(progress), context.gaps


class _Keeper:
    def __init__(self, repository: Repository, options: CheckOptions, context: CheckContext, since: int) -> None:
        self._repository = repository
        self._options = options
        self._context = context
        self._since = since
        self._survey = Survey(repository)
        self._revisions = Revisions(repository)
        self._kept = KeptFindings(repository.files, self._revisions.resolved, lambda: repository.remotes)

    def examinations(self, progress: Progress) -> list[Examination]:
        found: list[Examination] = []
        wanted = folders(self._repository, self._options)
        for version, group in by_version(wanted, self._options).items():
            missing: list[EnvironmentFolder] = []
            for folder in group:
                known = self._known(folder, version)
                if known is None:
                    missing.append(folder)
                else:
                    found.extend(known)
            if missing:
                load_rules(self._options)
            with self._context.stage(version).ready(self._repository) if missing else nullcontext():
                for position, folder in enumerate(missing, 1):
                    told = _numbered(progress, position, len(missing))
                    found.extend(self._examined(folder, version, told))
        return sorted(found, key=lambda each: each.summary.name)

    def _known(self, folder: EnvironmentFolder, version: str) -> tuple[Examination, ...] | None:
        """Return what is kept of an environment: what all rules said, else what those said that are asked for."""
        of_all = self._kept.get(self._key(folder, version, ()))
        if of_all is not None or not self._selection:
            return of_all
        return self._kept.get(self._key(folder, version, self._selection))

    def _examined(self, folder: EnvironmentFolder, version: str, progress: Progress) -> list[Examination]:
        # The view, rules and all that they stand on: what is kept does without.
        from modelyard.checking.environments import environments_of
        from modelyard.checking.examination import examine, shown_examination

        files = RecordedFiles(self._repository.files)
        repository = RecordedRepository(self._survey, files)
        options = replace(self._options, environments=(folder.name,))
        read_lock(files)
        revisions = Revisions(repository, self._revisions)
        charts = self._context.charts(version)
        (own,) = folders(repository, options)
        rendered = environments_of(own, self._context, charts, revisions, options, progress)
        examinations = [shown_examination(examine(each, options), files) for each in rendered]
        if charts.ran_late or any(map(_has_failed, rendered)):
            return examinations
        remotes = repository.remotes if repository.asked_for_remotes else None
        inputs = self._kept.inputs(files.asked, revisions.asked, remotes, self._since)
        if inputs is not None:
            self._kept.put(self._key(folder, version, self._selection), examinations, inputs)
        return examinations

    def _key(self, folder: EnvironmentFolder, version: str, selection: Sequence[object]) -> str:
        """Return a digest of what decides the findings besides what is asked of the repository's files.

        Two files of the environment are in it that change seldom, so that environments of one name do not contend.
        """
        files, options = self._repository.files, self._options
        own = [f"{folder.path}/{name}" if folder.path else name for name in (*FILE_NAMES, "environment.yaml")]
        parts = [
            *self._surroundings,
            self._context.stage(version).identity,
            version,
            options.kubernetes_version,
            options.facts,
            options.applications,
            options.shard,
            selection,
            self._repository.scope,
            folder.name,
            folder.path,
            folder.target,
            [files.digest(path) if files.is_file(path) else "" for path in own],
        ]
        return sha256(orjson.dumps(parts)).hexdigest()

    @property
    def _selection(self) -> Sequence[object]:
        """Return which rules are asked for; empty where all are."""
        options = self._options
        return (options.select, options.ignore) if options.select or options.ignore else ()

    @cached_property
    def _surroundings(self) -> Sequence[object]:
        programs = [(each.path.as_posix(), each.version) if (each := find(name)) else None for name in _PROGRAMS]
        return [code_identity(), programs, _fetched(self._context.lock)]


_PROGRAMS = ("git", "helm", "kubeconform")


def _has_failed(rendered: RenderedEnvironment) -> bool:
    """Return whether something could not be rendered or read, for which the moment may be to blame."""
    view = rendered.view
    return bool(view.errors or view.terraform_reading.reason or any(each.errors for each in view.applications))


def _fetched(lock: Lock) -> list[object]:
    """Return which charts and definitions lie in the cache, and those that were packed on this machine."""
    found: list[object] = []
    for digest, suffix in (
        *((each.digest, ".tgz") for each in lock.charts),
        *((each.digest, ".yaml") for each in lock.definitions),
    ):
        found.append(_state(cache_path(digest, suffix)))
    local = cache() / "local"
    found.extend((path.as_posix(), _state(path)) for path in sorted(local.glob("*/*/content.tgz")))
    return found


def _state(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def _numbered(progress: Progress, position: int, count: int) -> Progress:
    if count == 1:
        return progress
    return lambda stage, done, total: progress(f"environment {position:,} of {count:,}: {stage}", done, total)
