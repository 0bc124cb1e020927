"""An environment in which something is missing: what waits, what arrives nevertheless, and whether it mends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from modelyard.findings import Finding, Severity
from modelyard.placement import placements
from modelyard.rehearsal.absences import Absence
from modelyard.rehearsal.scheduling import foretold_of
from modelyard.rehearsal.syncing import ArgoSession, ClusterSnapshot, Synced, Tell
from modelyard.view import Environment

HELD_BACK = "rehearsal/held-back"
NOT_MENDED = "rehearsal/not-mended"
# Longer than a node takes to be made and pods to say why they do not start on it.
_SETTLED_SECONDS = 10.0


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


def go_without(syncing: ArgoSession, absence: Absence, seconds: float, tell: Tell) -> tuple[Missed, ClusterSnapshot]:
    """Wait for all that need not wait, then bring what is missing and wait for the rest.

    Args:
        syncing: A control plane on which Argo CD has just begun to follow the root.
        absence: What is missing in it.
        seconds: How long to wait at most, for either.
        tell: Told how far it is.
    """
    view = syncing.view
    roots = {each.name for each in view.bootstrap if each.kind == "Application"}
    wanted = {each.name for each in view.applications} | roots
    concerned = absence.concerned(view)

    def held_back(seen: ClusterSnapshot) -> list[Synced]:
        may_wait = concerned | set(_waiting_pods(seen, view) if absence.pods else ())
        late = [each for name, each in sorted(seen.applications.items()) if not each.well and name not in may_wait]
        # The health of a root is that of what it lists; what it has to do is done when its sync is.
        return [each for each in late if each.name not in roots or (each.sync, each.phase) != ("Synced", "Succeeded")]

    def arrived(seen: ClusterSnapshot) -> bool:
        begun = all(each.well or each.phase for each in seen.applications.values())
        return wanted <= set(seen.applications) and begun and not held_back(seen)

    if absence.node and syncing.converge([each.name for each in view.applications], seconds, tell) is not None:
        syncing.fall_ill()
    before = syncing.until(arrived, seconds, tell, settled=_SETTLED_SECONDS) or syncing.turn()
    pods, back = _waiting_pods(before, view), held_back(before)
    late = [each for name, each in sorted(before.applications.items()) if not each.well and each not in back]
    missing = [Synced(name, "Unknown", "Missing", "") for name in sorted(wanted - set(before.applications))]
    started = time.monotonic()
    syncing.mend()
    after = syncing.converge([each.name for each in view.applications], seconds, tell)
    missed = Missed(
        absence,
        tuple(
            replace(each, reasons=(*pods.get(each.name, ()), *each.reasons)) for each in late if each.name not in roots
        ),
        (*back, *missing),
        sum(each.well for each in before.applications.values()),
        after is not None,
        time.monotonic() - started,
    )
    return missed, after or syncing.turn()


def findings(missed: Missed, view: Environment) -> Iterator[Finding]:
    """Yield a finding for what was held back without need, and for an environment that did not mend."""
    manifests = {each.name: each for each in view.of_kind("Application")}
    for each in missed.held_back:
        yield Finding(
            at=manifests[each.name].at(),
            message=f"{manifests[each.name]} waits while {missed.absence.words}, and needs none of it: it is {each}",
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


def _waiting_pods(seen: ClusterSnapshot, view: Environment) -> dict[str, list[str]]:
    """Return the Applications of pods that do not run yet, or no more, with what is said of the pods."""
    foretold = placements(view)
    found: dict[str, list[str]] = {}
    for pod in seen.pods:
        metadata, status = pod["metadata"], pod.get("status", {})
        conditions = {each["type"]: each for each in status.get("conditions", ())}
        if conditions.get("Ready", {}).get("status") == "True" or status.get("phase") == "Succeeded":
            continue
        placement = foretold_of(metadata, foretold)
        if placement is None:
            continue
        waiting = [each.get("state", {}).get("waiting") or {} for each in status.get("containerStatuses", ())]
        said = [f"{each.get('reason')}: {each.get('message')}" for each in waiting if each]
        said += [str(conditions["PodScheduled"].get("message"))] if _is_unplaced(conditions) else []
        told = found.setdefault(placement.workload.manifest.application, [])
        told += [f"Pod {metadata['name']}: {each}" for each in dict.fromkeys(said)]
    return found


def _is_unplaced(conditions: dict[str, Any]) -> bool:
    return bool(conditions.get("PodScheduled", {}).get("status") == "False")
