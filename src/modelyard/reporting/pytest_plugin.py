"""A check as pytest items: one per Application, one per environment for the rest, one per policy.

A repository's `tests/conftest.py` names this module in `pytest_plugins`; the items hang below that file. The check runs
once, when the first item runs. An Application that was not checked completely is skipped with the reason, never passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from pathlib import Path

import pytest

from modelyard.checking import CheckOptions, check
from modelyard.checking.environments import application_names
from modelyard.findings import Finding, NotChecked, Report, Severity, UserError
from modelyard.policies import load_policies
from modelyard.reporting import write
from modelyard.repository import Repository

_REPORT: pytest.StashKey[Report] = pytest.StashKey()


class Failed(Exception):
    """Findings at or above `error`; the message is the text report."""


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the check below `tests/conftest.py` of the repository that pytest runs in."""
    if file_path == parent.config.rootpath / "tests" / "conftest.py":
        return CheckFile.from_parent(parent, path=file_path)
    return None


class CheckFile(pytest.File):
    """The check of one repository."""

    def collect(self) -> Iterable[pytest.Item]:
        """Yield the items; only the app-of-apps of each environment is rendered for it."""
        root = self.config.rootpath
        try:
            environments = application_names(root)
            policies = load_policies(Repository(root))
        except UserError as error:
            raise self.CollectError(f"{error.message}\nfix: {error.fix}") from None
        policy_ids = frozenset(policy.id for policy in policies)
        for environment, applications in environments.items():
            for name in applications:
                yield CheckItem.make(self, f"{environment}/{name}", _about(environment, name, policy_ids))
            yield CheckItem.make(self, environment, _about(environment, "", policy_ids))
        yield CheckItem.make(self, "modelyard.yaml", _about("", "", policy_ids))
        for policy in policies:
            yield CheckItem.make(self, policy.id, _of_policy(policy.id))

    @property
    def report(self) -> Report:
        """Return the report; the check runs at the first call."""
        stash = self.config.stash
        if _REPORT not in stash:
            stash[_REPORT] = check(self.config.rootpath, CheckOptions(policies=True))
        return stash[_REPORT]


class CheckItem(pytest.Item):
    """What the check says of one subject."""

    concerns: Callable[[Finding | NotChecked], bool]

    @classmethod
    def make(cls, parent: CheckFile, name: str, concerns: Callable[[Finding | NotChecked], bool]) -> CheckItem:
        """Return the item for what `concerns` is true of."""
        item: CheckItem = cls.from_parent(parent, name=name)
        item.concerns = concerns
        return item

    def runtest(self) -> None:
        """Fail on errors, skip with the reason when something was not checked."""
        assert isinstance(self.parent, CheckFile)  # noqa: S101 - the only maker
        report = self.parent.report
        own = Report(report.root, findings=[each for each in report.findings if self.concerns(each)])
        if own.exit_code(Severity.ERROR, strict=False):
            raise Failed(_text(own))
        gaps = [gap for gap in report.not_checked if self.concerns(gap) and not gap.accepted]
        if gaps:
            pytest.skip(f"not checked: {'; '.join(f'{gap.subject} ({gap.reason})' for gap in gaps)}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Return the findings as `modelyard check` prints them; a UserError as its message."""
        if isinstance(excinfo.value, Failed):
            return str(excinfo.value)
        if isinstance(excinfo.value, UserError):
            return f"{excinfo.value.message}\nfix: {excinfo.value.fix}"
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return what pytest prints as the item's place and name."""
        return self.path, None, f"modelyard check: {self.name}"


def _about(environment: str, application: str, policies: frozenset[str]) -> Callable[[Finding | NotChecked], bool]:
    def concerns(said: Finding | NotChecked) -> bool:
        return (said.environment, said.application) == (environment, application) and said.rule not in policies

    return concerns


def _of_policy(identity: str) -> Callable[[Finding | NotChecked], bool]:
    return lambda said: said.rule == identity


def _text(report: Report) -> str:
    stream = StringIO()
    write(report, "text", stream)
    return "\n".join(_without_closing(stream.getvalue().splitlines()))


def _without_closing(lines: list[str]) -> Iterator[str]:
    """Drop the closing sentence: counts and seconds of a part of a check would mislead."""
    yield from lines[:-1]
