"""An environment in which something is missing: what waits, what arrives nevertheless, and whether it mends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from modelyard.cluster import Environment
from modelyard.findings import Finding, Severity
from modelyard.placement import placements
from modelyard.rehearsal.absences import Absence
from modelyard.rehearsal.scheduling import foretold_of
from modelyard.rehearsal.syncing import Seen, Synced, Syncing, Tell

HELD_BACK = "rehearsal/held-back"
NOT_MENDED = "rehearsal/not-mended"
# Longer than controllers need to answer each other.
_SETTLED_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Missed:
    """What a rehearsal with something missing showed.

    Attributes:
        absence: What was missing.
        waiting: Applications that waited for it, with the reasons that Argo CD and pods gave.
        held_back: Applications that waited and have nothing to do with it.
        arrived: How many were well nevertheless.
        mended: Whether all became well without a commit, once it was there.
        seconds: How long that took.
    """

    absence: Absence
    waiting: tuple[Synced, ...]
    held_back: tuple[Synced, ...]
    arrived: int
    mended: bool
    seconds: float


def go_without(syncing: Syncing, absence: Absence, seconds: float, tell: Tell) -> tuple[Missed, Seen]:
    """Wait for all that need not wait, then bring what is missing and wait for the rest.

    Args:
        syncing: A control plane on which Argo CD has just begun to follow the root.
        absence: What is missing in it.
        seconds: How long to wait at most, for either.
        tell: Told how far it is.
    """
    view = syncing.view
    wanted = {each.name for each in view.applications} | {
        each.name for each in view.bootstrap if each.kind == "Application"
    }
    concerned = absence.concerned(view)

    def arrived(seen: Seen) -> bool:
        may_wait = concerned | set(_of_waiting_pods(seen, view))
        return wanted <= set(seen.applications) and all(
            each.well or name in may_wait for name, each in seen.applications.items()
        )

    if absence.node and syncing.converge([each.name for each in view.applications], seconds, tell) is not None:
        syncing.fall_ill()
    before = syncing.until(arrived, seconds, tell, settled=_SETTLED_SECONDS) or syncing.turn()
    may_wait = concerned | set(_of_waiting_pods(before, view))
    late = [each for name, each in sorted(before.applications.items()) if not each.well]
    missing = [Synced(name, "Unknown", "Missing", "") for name in sorted(wanted - set(before.applications))]
    started = time.monotonic()
    syncing.mend()
    after = syncing.converge([each.name for each in view.applications], seconds, tell)
    missed = Missed(
        absence,
        tuple(each for each in late if each.name in may_wait),
        (*(each for each in late if each.name not in may_wait), *missing),
        sum(each.well for each in before.applications.values()),
        after is not None,
        time.monotonic() - started,
    )
    return missed, after or syncing.turn()


def findings(missed: Missed, view: Environment) -> Iterator[Finding]:
    """Yield a finding for what was held back without need, and for an environment that did not mend."""
    things = {each.name: each for each in view.of_kind("Application")}
    for each in missed.held_back:
        yield Finding(
            at=things[each.name].at(),
            message=f"{things[each.name]} waits while {missed.absence.words}, and needs none of it: it is {each}",
            detail=each.reasons,
            rule=HELD_BACK,
            severity=Severity.ERROR,
            environment=view.name,
            application=each.name,
        )
    if not missed.mended:
        root = next(each for each in view.bootstrap if each.kind == "Application")
        yield Finding(
            at=root.at(),
            message=f"{view.name} did not become healthy without a commit once this was over: {missed.absence.words}",
            rule=NOT_MENDED,
            severity=Severity.ERROR,
            environment=view.name,
        )


def _of_waiting_pods(seen: Seen, view: Environment) -> Iterator[str]:
    """Yield the Applications of pods that do not run yet, or no more."""
    foretold = placements(view)
    for pod in seen.pods:
        conditions = {each["type"]: each["status"] for each in pod.get("status", {}).get("conditions", ())}
        if conditions.get("Ready") == "True" or pod.get("status", {}).get("phase") == "Succeeded":
            continue
        placement = foretold_of(pod["metadata"], foretold)
        if placement is not None:
            yield placement.workload.thing.application
