"""What is merged, as a clone knows it: which commits of it an Application does not run yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from modelyard.checking.plain import address_of
from modelyard.diffing.live import LiveApplication, LiveSource
from modelyard.repository import Repository, joined
from modelyard.tooling.git import git
from modelyard.tooling.words import revision_name

_COMMIT = re.compile(r"[0-9a-f]{40}")
_MOST_COMMITS = 10_000


@dataclass(frozen=True, slots=True)
class Lag:
    """What an Application does not run of what is merged.

    Attributes:
        running: Commit that it was compared with last.
        merged: Commit that it should be at.
        commits: How many commits in between change its files; None where `running` is not before `merged`.
        since: When the first of them was committed.
        unknown: Why it cannot be told; empty where it can.
    """

    running: str
    merged: str
    commits: int | None = 0
    since: datetime | None = None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class _Commit:
    when: datetime
    paths: tuple[str, ...]


class Merged:
    """The commits of a clone; nothing is fetched.

    Args:
        repository: The clone.
        revision: What counts as merged for branches; empty for what the remote's branch is known to be at.
    """

    def __init__(self, repository: Repository, revision: str = "") -> None:
        self.repository = repository
        self.revision = revision
        self._addresses = {address_of(each) for each in repository.remotes}
        self._known: dict[tuple[str, str], list[_Commit] | None] = {}
        self._commits: dict[str, str] = {}

    def lag(self, application: LiveApplication) -> Lag | None:
        """Return what an Application does not run yet; None where none of its sources is a folder of this clone."""
        lags = [self._of_source(application, each) for each in application.sources if self._is_own(each)]
        worst = [each for each in lags if each.unknown or each.commits != 0]
        return next(iter(worst or lags), None)

    def _is_own(self, source: LiveSource) -> bool:
        return not source.chart and address_of(source.repository) in self._addresses

    def _of_source(self, application: LiveApplication, source: LiveSource) -> Lag:
        running, merged = source.revision, self._merged(source.target)
        if _COMMIT.fullmatch(running) is None:
            return Lag(running, merged, unknown="Argo CD does not say which commit it compared")
        if not merged:
            return Lag(running, "", unknown=f"{source.target or 'HEAD'} is not known in this clone")
        if running == merged:
            return Lag(running, merged)
        if not self._commit(running):
            return Lag(running, merged, unknown=f"commit {running[:12]} is not in this clone; git fetch brings it")
        between = self._between(running, merged)
        if between is None:
            return Lag(running, merged, None)
        folders = _folders(application, source)
        own = [each for each in between if any(_is_below(path, folders) for path in each.paths)]
        return Lag(running, merged, len(own), min((each.when for each in own), default=None))

    def _merged(self, target: str) -> str:
        """Return the commit that a revision of an Application stands for; empty where it is not known."""
        if target and self._commit(f"refs/tags/{target}"):
            return self._commit(f"refs/tags/{target}")
        if _COMMIT.fullmatch(target):
            return target
        if self.revision:
            return self._commit(self.revision)
        names = (
            ("refs/remotes/origin/HEAD", "HEAD")
            if target in ("", "HEAD")
            else (f"refs/remotes/origin/{target}", target)
        )
        return next((found for name in names if (found := self._commit(name))), "")

    def _commit(self, name: str) -> str:
        if name not in self._commits:
            self._commits[name] = self.repository.commit(name)
        return self._commits[name]

    def _between(self, running: str, merged: str) -> list[_Commit] | None:
        """Return the commits after one up to another, with what they change; None where one is not before the other."""
        key = (running, merged)
        if key not in self._known:
            self._known[key] = self._read(running, merged)
        return self._known[key]

    def _read(self, running: str, merged: str) -> list[_Commit] | None:
        root = self.repository.root
        before = revision_name(running)
        after = revision_name(merged)
        if git(root, "merge-base", "--is-ancestor", before, after).returncode:
            return None
        words = ("log", f"--max-count={_MOST_COMMITS}", "-z", "-m", "--first-parent", "--name-only", "--format=%x01%cI")
        output = git(root, *words, f"{before}..{after}", "--", check=True).stdout.decode("utf-8", "replace")
        found = []
        for entry in output.split("\x01")[1:]:
            when, *paths = entry.replace("\n", "\0").split("\0")
            found.append(_Commit(datetime.fromisoformat(when), tuple(filter(None, paths))))
        return found


def _folders(application: LiveApplication, source: LiveSource) -> tuple[str, ...]:
    """Return the folders that an Application depends on, as Argo CD reads its annotation; all where it has none."""
    found = []
    for each in application.generate_paths:
        folder = each.strip("/") if each.startswith("/") else joined(source.path, each)
        found.append("" if folder in (None, ".") else str(folder))
    return tuple(found) if found else ("",)


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return any(not each or path == each or path.startswith(f"{each}/") for each in folders)
