"""Mutants in front of a real API server: what it refuses while the check is green is a miss."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from modelyard.checking import CheckOptions
from modelyard.checking.environments import environments
from modelyard.rehearsal.api import Api
from modelyard.rehearsal.control_plane import ControlPlane, control_plane
from modelyard.rehearsal.definitions import install_definitions
from modelyard.rehearsal.dry_run import apply, keep_what_others_need
from modelyard.rehearsal.folders import run_folder
from modelyard.rehearsal.rehearse import definitions_in_use
from modelyard.repository import Repository
from modelyard.view import Environment
from tests.mutants.judging import Outcome, described, judged
from tests.mutants.mutations import Mutant, applied
from tests.mutants.workbench import Workbench


class Verdict(StrEnum):
    """What the check and the server say of one mutant."""

    MISS = "miss"
    BOTH_REFUSE = "both refuse"
    ONLY_CHECK = "only the check"
    BOTH_TAKE = "both take"
    TAKEN = "taken, the check not asked"
    SAID = "not checked, and refused"
    NOTHING = "nothing to ask"


@dataclass(frozen=True)
class Asked:
    """What a server said to the objects that a mutant changes.

    Attributes:
        count: How many objects it was asked about.
        refusals: Its words on those that it refuses.
    """

    count: int
    refusals: tuple[str, ...] = ()


class Truth:
    """A control plane that knows what a repository needs, and is asked about changed objects as a dry run.

    Attributes:
        unchanged: What the server refuses of the unchanged repository.

    Args:
        plane: The control plane.
        views: The environments of the unchanged repository.
    """

    unchanged: tuple[str, ...] = ()

    def __init__(self, plane: ControlPlane, views: tuple[Environment, ...]) -> None:
        self.api: Api = plane.api
        for view in views:
            wanted = definitions_in_use(view, []).values()
            known = {kind for _, kind in self.api.served()}
            install_definitions(
                self.api, [each for each in wanted if each["spec"]["names"]["kind"] not in known], plane.check
            )
            keep_what_others_need(self.api, view)
        self.served = self.api.served()
        namespaces = {target_of(each.target): each.namespace for view in views for each in view.applications}
        self._namespace: Callable[[str], str] = lambda target: namespaces.get(target_of(target)) or "default"
        self._known: dict[tuple[str, str], str] = {}

    def asked(self, changed: Mapping[str, list[dict[str, Any]]]) -> Asked:
        """Return what the server says to objects, by the folder that renders them.

        What it refuses of an object of an unchanged repository is no word on a mutant; see `accept`.
        """
        said: list[str] = []
        count = 0
        for target, values in changed.items():
            for value in values:
                count += 1
                said += self._refusal(value, self._namespace(target))
        return Asked(count, tuple(dict.fromkeys(each for each in said if each not in self._accepted)))

    _accepted: frozenset[str] = frozenset()

    def accept(self, unchanged: Mapping[str, list[dict[str, Any]]]) -> tuple[str, ...]:
        """Take the server's words on the unchanged repository as no news, and return them."""
        self._accepted = frozenset(self.asked(unchanged).refusals)
        return tuple(sorted(self._accepted))

    def _refusal(self, value: dict[str, Any], namespace: str) -> Iterator[str]:
        api_version, kind = str(value.get("apiVersion")), str(value.get("kind"))
        named = f"{kind} {value.get('metadata', {}).get('name', '')}"
        served = self.served.get((api_version, kind))
        if served is None:
            yield f"{named}: the server serves no {kind} of {api_version}"
            return
        own = value.get("metadata", {}).get("namespace")
        answer = apply(self.api, served, own if isinstance(own, str) and own else namespace, value, dry_run=True)
        if not answer.ok and not answer.failed:
            yield f"{named}: {answer.message[:400]}"


def target_of(target: str | None) -> str:
    """Return a folder as renderings name it."""
    return (target or "").strip("/")


@contextlib.contextmanager
def truth_of(bench: Workbench) -> Iterator[Truth]:
    """Run a control plane for a repository, and let it see the unchanged one first.

    Raises:
        UserError: A program is missing, or did not start.
    """
    views = environments(Repository(bench.root), CheckOptions(policies=False)).views
    with run_folder() as folder, control_plane(folder) as plane:
        truth = Truth(plane, views)
        truth.unchanged = truth.accept(
            {each.target: [one.value for one in each.resources] for each in bench.renderings.values()}
        )
        yield truth


def confronted(
    mutant: Mutant, bench: Workbench, truth: Truth, texts: Mapping[str, str], known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what the check and the server say of a mutant, as a line of results.

    Args:
        mutant: The mutant.
        bench: Renders the repository with it, and checks it where the server refuses something.
        truth: The server.
        texts: The files of the repository as they are.
        known: What the check said of it before; None where it was not asked.
    """
    asked = truth.asked(bench.resources_with(applied(mutant.edits, texts)))
    if known is None and asked.refusals:
        known = judged(mutant, bench, texts)
    line = known or described(mutant, texts)
    return {**line, "asked": asked.count, "refused": list(asked.refusals[:3]), "verdict": str(verdict(line, asked))}


def verdict(line: Mapping[str, Any], asked: Asked) -> Verdict:
    """Return what follows from what the check said of a mutant, and the server."""
    outcome = line.get("outcome")
    noticed = outcome in (Outcome.KILLED, Outcome.REFUSED, Outcome.ELSEWHERE)
    if asked.refusals:
        if noticed:
            return Verdict.BOTH_REFUSE
        return Verdict.SAID if outcome == Outcome.NOT_CHECKED else Verdict.MISS
    if not asked.count:
        return Verdict.NOTHING
    return Verdict.TAKEN if outcome is None else Verdict.ONLY_CHECK if noticed else Verdict.BOTH_TAKE
