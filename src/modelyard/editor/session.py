"""One repository in an editor: checked again as one types, what a change cannot reach taken from the check before."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from modelyard.checking import CheckOptions
from modelyard.checking.check import check_opened
from modelyard.checking.scopes import opened
from modelyard.editor.fixes import Fix, fixes
from modelyard.editor.mirror import Mirror
from modelyard.findings import Finding, Report
from modelyard.repository import ENVIRONMENTS, Repository
from modelyard.repository.trust import may_run
from modelyard.view import Environment


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of a repository at one moment.

    Attributes:
        findings: At their places, sorted.
        fixes: What mends those that have a fix.
        views: The environments, by name.
        texts: The unsaved texts that it was made with, by path.
        whole: Whether everything was checked; else the rest is as the check before had it.
        report: That of the last whole check.
    """

    findings: tuple[Finding, ...] = ()
    fixes: tuple[Fix, ...] = ()
    views: Mapping[str, Environment] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False
    report: Report | None = None


class Session:
    """The checks of one repository, one at a time.

    Args:
        path: The folder that the editor opened.

    Raises:
        UserError: It is no folder.
    """

    def __init__(self, path: Path) -> None:
        original = opened(path)
        self.root = original.root
        self.scope = original.scope
        self._remotes = original.remotes
        self._kept = tempfile.TemporaryDirectory(prefix="modelyard-editor-")
        self._mirror = Mirror(self.root, Path(self._kept.name))
        self._pending: set[str] = set()
        self.snapshot = Snapshot()

    def close(self) -> None:
        """Remove the copy."""
        self._kept.cleanup()

    def check(self, texts: Mapping[str, str]) -> Snapshot:
        """Check what a change since the last check can reach, and return what is known now.

        Call `complete` afterwards where the snapshot is not whole.

        Args:
            texts: Unsaved texts by path.

        Raises:
            UserError: As for a check; what was known before stays.
        """
        self._pending |= self._mirror.follow(texts)
        before = self.snapshot
        if not self._pending and before.whole:
            return before
        reached = self._reached(before)
        if reached is None:
            return self.complete(texts)
        repository = self._opened()
        with _uncollected():
            checked = check_opened(repository, replace(self._options(), environments=tuple(sorted(reached))))
        kept = [each for each in before.findings if each.environment not in reached]
        found = [each for each in checked.report.findings if each.environment in reached]
        views = {**before.views, **{view.name: view for view in checked.environments.views}}
        mending = (*(each for each in before.fixes if each.finding in kept), *fixes(repository, found))
        self.snapshot = Snapshot(_sorted([*kept, *found]), mending, views, dict(texts), report=before.report)
        return self.snapshot

    def complete(self, texts: Mapping[str, str]) -> Snapshot:
        """Check everything.

        Raises:
            UserError: As for a check; what was known before stays.
        """
        self._mirror.follow(texts)
        repository = self._opened()
        with _uncollected():
            checked = check_opened(repository, self._options())
        gc.collect()
        self._pending = set()
        views = {view.name: view for view in checked.environments.views}
        found = tuple(checked.report.findings)
        self.snapshot = Snapshot(found, fixes(repository, found), views, dict(texts), True, checked.report)
        return self.snapshot

    def _opened(self) -> Repository:
        return Repository(self._mirror.folder, scope=self.scope, remotes=self._remotes)

    def _options(self) -> CheckOptions:
        # The copy lies elsewhere; who trusts the repository's policies trusts them in it.
        return CheckOptions(policies=True if may_run(self.root) else None)

    def _reached(self, before: Snapshot) -> frozenset[str] | None:
        """Return the environments that the pending changes can reach; None where that may be anything."""
        if not before.views or before.report is None:
            return None
        reached: set[str] = set()
        for path in self._pending:
            parts = path.split("/")
            own = parts[1] if parts[0] == ENVIRONMENTS and len(parts) > 2 else ""
            readers = {name for name, view in before.views.items() if _reads(view, path)}
            if own in before.views:
                readers.add(own)
            if not readers:
                return None
            reached |= readers
        return frozenset(reached) if len(reached) < len(before.views) else None


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave cycles alone for the length of a check: looking for them takes a third of the time of one that is warm."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _reads(view: Environment, path: str) -> bool:
    """Return whether a kustomization that an environment is made of reads a file."""
    kustomizations = view.repository.kustomizations
    targets = [view.folder.path, *(each.target for each in view.applications if each.target)]
    return any(path in kustomizations.tree(target).inputs for target in targets)


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    def order(finding: Finding) -> tuple[str, int, int, str]:
        place = finding.at.place()
        return place.file, place.line or 0, place.column or 0, finding.rule

    return tuple(sorted(findings, key=order))
