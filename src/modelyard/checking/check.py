"""One check of a repository, from files to a report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.checking.baseline import Key, compared, counts, read_baseline
from modelyard.checking.examined import Examination, load_rules, policies_gap
from modelyard.checking.keeping import is_kept, kept_or_examined
from modelyard.checking.options import CheckOptions, Progress, silent
from modelyard.checking.postprocess import processed
from modelyard.checking.revisions import Revisions
from modelyard.checking.scopes import opened
from modelyard.checking.selection import gaps_of_selected, require_known_names, selected, with_severities
from modelyard.checking.tools import CheckContext
from modelyard.findings import NotChecked, Report, UserError
from modelyard.repository import Repository
from modelyard.tooling.renderer import prestart_renderer
from modelyard.tooling.streaming import LineProcess

if TYPE_CHECKING:
    from modelyard.checking.environments import RenderedEnvironments

FAILED_BUILD = "kustomize/failed-build"
"""The rule of targets whose resources nobody knows."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A check with what it looked at.

    Attributes:
        report: What was found.
        environments: The environments that were checked.
    """

    report: Report
    environments: RenderedEnvironments


def check(root: Path, options: CheckOptions | None = None, progress: Progress = silent) -> Report:
    """Check a GitOps repository.

    Args:
        root: The repository's folder.
        options: What to check, and how; everything when None.
        progress: Told how far the check is.

    Returns:
        Findings at their places and gaps, waivers applied. Findings may be those that an earlier check kept; their
        edits know places, and no addresses to look up.

    Raises:
        UserError: The folder holds no environment, a named environment or application does not exist, a required tool
            is missing, or `modelyard.yaml` cannot be read.
    """
    options = options or CheckOptions()
    require_known_names(options)
    started, since = time.monotonic(), time.time_ns()
    repository = opened(root)
    if not is_kept(repository, options):
        return check_with_views(root, options, progress).report
    examinations, gaps = kept_or_examined(repository, options, progress, since)
    return _report(repository, options, started, examinations, gaps)


def check_with_views(root: Path, options: CheckOptions | None = None, progress: Progress = silent) -> Checked:
    """Check a GitOps repository, and return the environments too, for who shows more of them than findings.

    Raises:
        UserError: As for `check`.
    """
    options = options or CheckOptions()
    load_rules(options)
    repository = opened(root)
    with nullcontext() if options.backend == "processes" else prestart_renderer() as prestarted:
        return _checked(repository, options, progress, None, prestarted)


def check_repository(
    repository: Repository,
    options: CheckOptions,
    progress: Progress = silent,
    *,
    context: CheckContext | None = None,
    prestarted: LineProcess | None = None,
) -> Report:
    """Check a repository that has been opened.

    Args:
        repository: The repository.
        options: What to check, and how.
        progress: Told how far the check is.
        context: What renders and validates, where it is kept from one check to the next; made when None.
        prestarted: A renderer that was started already, of `prestart_renderer`; for a `context` that is made here.

    Returns:
        Findings at their places and gaps, waivers applied.

    Raises:
        UserError: As for `check`.
    """
    return _checked(repository, options, progress, context, prestarted).report


def check_opened(repository: Repository, options: CheckOptions, *, prestarted: LineProcess | None = None) -> Checked:
    """Check a repository that has been opened, and return the environments too.

    Raises:
        UserError: As for `check`.
    """
    return _checked(repository, options, silent, None, prestarted)


def _checked(
    repository: Repository,
    options: CheckOptions,
    progress: Progress,
    context: CheckContext | None,
    prestarted: LineProcess | None,
) -> Checked:
    from modelyard.checking.environments import environments
    from modelyard.checking.examination import examine, shown_examination

    require_known_names(options)
    started = time.monotonic()
    rendered = environments(repository, options, progress, context=context, prestarted=prestarted, eager=True)
    examinations = [shown_examination(examine(each, options), repository.files) for each in rendered.environments]
    return Checked(_report(repository, options, started, examinations, rendered.gaps), rendered)


def _report(
    repository: Repository,
    options: CheckOptions,
    started: float,
    examinations: Sequence[Examination],
    of_tools: Sequence[NotChecked],
) -> Report:
    """Return what is reported of the environments that were looked at, and of what could not be for lack of tools."""
    findings = [finding for each in examinations for finding in each.findings]
    gaps = [*of_tools, *(gap for each in examinations for gap in each.gaps), *policies_gap(repository, options)]
    # What does not build says nothing that a waiver could cover.
    failed = any(finding.rule == FAILED_BUILD for finding in findings)
    whole = not (options.environments or options.applications or options.shard or failed)
    if options.select or options.ignore:
        findings = selected(findings, options.select, options.ignore)
        gaps = gaps_of_selected(gaps, options.select, options.ignore)
        whole = False
    findings = with_severities(findings, repository.settings.severities)
    outcome = processed(repository, findings, gaps, datetime.now(UTC).date(), whole=whole)
    known = _known(repository, options)
    against = compared(outcome.findings, known) if known is not None else None
    return Report(
        repository.root,
        environments=[each.summary for each in examinations],
        findings=list(against.new if against else outcome.findings),
        known=list(against.known) if against else [],
        gone=against.gone if against else 0,
        not_checked=list(outcome.gaps),
        waived=list(outcome.waived),
        applications=sum(each.summary.applications for each in examinations),
        cached_applications=sum(each.cached_applications for each in examinations),
        incomplete_applications=len({(gap.environment, gap.application) for gap in outcome.gaps if gap.application}),
        seconds=time.monotonic() - started,
        shard=options.shard,
    )


def _known(repository: Repository, options: CheckOptions) -> Counter[Key] | None:
    """Return the findings that count as known; None where nobody asks for new ones only."""
    if options.baseline is None and options.since is None:
        return None
    known = read_baseline(options.baseline) if options.baseline is not None else Counter()
    if options.since is not None:
        known |= counts(check_repository(_at(repository, options.since), _of_before(options)).findings)
    return known


def _of_before(options: CheckOptions) -> CheckOptions:
    return replace(options, baseline=None, since=None)


def _at(repository: Repository, revision: str) -> Repository:
    """Return a repository as it was at a revision.

    Raises:
        UserError: There is no such revision.
    """
    commit = repository.commit(revision)
    found = Revisions(repository).at(commit) if commit else f"revision {revision} is not in this clone"
    if isinstance(found, str):
        raise UserError(found, fix="fetch it: git fetch origin; in CI, check out with the whole history")
    found.scope = repository.scope
    found.copied_remotes = repository.remotes  # the copy is no clone, and Applications are to be told apart alike
    return found
