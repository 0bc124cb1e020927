"""Which Applications do not run what is merged, since when, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from modelyard.diffing.live import LiveApplication, below, listed, moment, text
from modelyard.diffing.merged import Lag, Merged
from modelyard.wording import counted, join_and

_SHOWN = 3


class State(StrEnum):
    """How an Application stands to what is merged, the worst first."""

    FAILED = "failed"
    """Argo CD could not render, compare or sync it."""
    MISSING = "missing"
    """It is merged, and no Application of its name is there."""
    UNHEALTHY = "unhealthy"
    """It is synced, and what runs does not work, is not there, or was suspended."""
    OUT_OF_SYNC = "out of sync"
    """What runs differs from the commit that Argo CD compared."""
    BEHIND = "behind"
    """It runs a commit whose files differ from those that are merged."""
    UNDER_WAY = "under way"
    """It is synced now, or its pods are starting."""
    UNKNOWN = "unknown"
    """It cannot be told."""
    SAME = "as merged"
    """It runs what is merged."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one Application stands to what is merged.

    Attributes:
        application: The Application; None where it is missing.
        name: Its name.
        state: How it stands.
        reason: Why, in words; empty where it runs what is merged.
        since: Since when, as far as it is known.
        since_what: What happened then, such as `the sync failed`; empty without `since`.
        fix: What to do; empty where the reason says it.
        lag: What of the clone's commits it does not run; None where it is not of this clone.
    """

    application: LiveApplication | None
    name: str
    state: State
    reason: str = ""
    since: datetime | None = None
    since_what: str = ""
    fix: str = ""
    lag: Lag | None = None


def standing(application: LiveApplication, merged: Merged | None) -> Standing:
    """Return how an Application stands to what is merged.

    Args:
        application: The Application.
        merged: The commits that are merged; None where there is no clone to ask.
    """
    lag = merged.lag(application) if merged is not None else None
    found = next(_differences(application, lag), None) or Standing(application, application.name, State.SAME)
    return Standing(
        application, application.name, found.state, found.reason, found.since, found.since_what, found.fix, lag
    )


def _differences(application: LiveApplication, lag: Lag | None) -> Iterator[Standing]:
    """Yield what differs, what explains the rest first."""
    status, sync = application.status, text(application.status, "sync", "status")

    def told(state: State, reason: str, since: datetime | None = None, what: str = "", fix: str = "") -> Standing:
        return Standing(application, application.name, state, reason, since, what if since else "", fix)

    for condition in listed(status, "conditions"):
        kind = text(condition, "type")
        if kind.endswith("Error"):
            since = moment(condition, "lastTransitionTime")
            yield told(State.FAILED, f"{kind}: {text(condition, 'message')}", since, "the error appeared")
    phase, message = text(status, "operationState", "phase"), text(status, "operationState", "message")
    if phase in ("Failed", "Error"):
        first = next(_refused(status), "")
        reason = f"the last sync failed: {first or message or 'Argo CD does not say why'}"
        yield told(State.FAILED, reason, moment(status, "operationState", "finishedAt"), "the sync failed")
    if phase in ("Running", "Terminating"):
        retries = below(status, "operationState", "retryCount")
        again = f", retry {retries}" if isinstance(retries, int) and retries > 0 else ""
        reason = f"a sync is under way{again}{f': {message}' if message else ''}"
        yield told(State.UNDER_WAY, reason, moment(status, "operationState", "startedAt"), "the sync began")
    if sync not in ("Synced", "OutOfSync"):
        yield told(State.UNKNOWN, "Argo CD has not compared it yet" if not sync else f"its sync status is {sync}")
    if sync == "OutOfSync":
        yield told(*_out_of_sync(application))
    if lag is not None and lag.unknown:
        yield told(State.UNKNOWN, lag.unknown)
    if lag is not None and lag.commits != 0:
        yield told(*_behind(lag))
    health = text(status, "health", "status")
    since = moment(status, "health", "lastTransitionTime")
    if health in ("Degraded", "Missing", "Unknown", "Suspended"):
        # Since Argo CD 3.0 the health of single resources is not written into the Application.
        fix = "" if any(_ailing(application, health)) else f"argocd app get {application.name} shows which resource"
        yield told(State.UNHEALTHY, _unhealthy(application, health), since, f"it became {health}", fix)
    if health == "Progressing":
        yield told(State.UNDER_WAY, _unhealthy(application, health), since, "it began")


def _refused(status: object) -> Iterator[str]:
    """Yield the resources that the last sync could not apply, and hooks that failed."""
    for each in listed(status, "operationState", "syncResult", "resources"):
        if text(each, "status") == "SyncFailed" or text(each, "hookPhase") in ("Failed", "Error"):
            yield f"{_named(each)}: {text(each, 'message') or 'no reason is given'}"


def _out_of_sync(application: LiveApplication) -> tuple[State, str, datetime | None, str, str]:
    status = application.status
    changed = [each for each in listed(status, "resources") if text(each, "status") == "OutOfSync"]
    pruned = [_named(each) for each in changed if below(each, "requiresPruning") is True]
    others = [_named(each) for each in changed if below(each, "requiresPruning") is not True]
    parts = []
    if others:
        parts.append(f"{join_and(others, most=_SHOWN)} {'differs' if len(others) == 1 else 'differ'} from Git")
    if pruned:
        parts.append(f"{join_and(pruned, most=_SHOWN)} {'is' if len(pruned) == 1 else 'are'} no longer in Git")
    reason = "; ".join(parts) or "Argo CD does not list what differs"
    fix = "" if application.automated else "automated sync is off: sync it, or turn it on"
    return State.OUT_OF_SYNC, reason, moment(status, "operationState", "finishedAt"), "the last sync ended", fix


def _behind(lag: Lag) -> tuple[State, str, datetime | None, str, str]:
    if lag.commits is None:
        reason = f"it runs commit {lag.running[:12]}, which is not before {lag.merged[:12]}, the merged one"
        return State.BEHIND, reason, None, "", "see whether it was rolled back, or follows another branch"
    reason = (
        f"it runs commit {lag.running[:12]}, and {counted(lag.commits, 'commit')} up to {lag.merged[:12]} "
        f"change{'s' if lag.commits == 1 else ''} its files"
    )
    return State.BEHIND, reason, lag.since, "the first of them was committed", ""


def _ailing(application: LiveApplication, health: str) -> Iterator[Mapping[str, Any]]:
    return (each for each in listed(application.status, "resources") if text(each, "health", "status") == health)


def _unhealthy(application: LiveApplication, health: str) -> str:
    for each in _ailing(application, health):
        message = text(each, "health", "message")
        return f"{_named(each)} is {health}{f': {message}' if message else ''}"
    message = text(application.status, "health", "message")
    return f"it is {health}{f': {message}' if message else ''}"


def _named(resource: object) -> str:
    return f"{text(resource, 'kind')} {text(resource, 'name')}".strip() or "a resource"
