"""What Applications run against what is merged, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from modelyard.diffing.drift import State

if TYPE_CHECKING:
    from modelyard.diffing.drift import Standing
    from modelyard.reporting import Line

_STYLES = {
    State.FAILED: "error",
    State.MISSING: "error",
    State.UNHEALTHY: "error",
    State.OUT_OF_SYNC: "warning",
    State.BEHIND: "warning",
    State.UNDER_WAY: "note",
    State.UNKNOWN: "gap",
    State.SAME: "good",
}
_STATE = 11


def drift_lines(clusters: Mapping[str, Sequence[Standing]], *, every: bool) -> list[Line]:
    """Return what differs by cluster, the worst first, and a last line that counts.

    Args:
        clusters: Applications by cluster, in the order in which they are shown.
        every: Whether those that run what is merged are shown too.
    """
    from modelyard.reporting import visible
    from modelyard.wording import counted

    lines: list[Line] = []
    width = max((len(visible(each.name)) for known in clusters.values() for each in known), default=0)
    for name, standings in clusters.items():
        counts = _counted(standings)
        told = ", ".join(f"{count:,} {state}" for state, count in counts.items())
        title = f"  {counted(len(standings), 'Application')}   {told or 'none'}"
        lines.append([(f"{visible(name)}", "strong"), (title, "plain")])
        for each in standings:
            if each.state == State.SAME and not every:
                continue
            lead: Line = [("  ", "plain"), (f"{each.state:<{_STATE}}", _STYLES[each.state])]
            lines.append([*lead, (f"  {visible(each.name):<{width}}  {visible(each.reason)}", "plain")])
            pad = " " * (_STATE + width + 6)
            if each.since is not None:
                lines.append([(f"{pad}since {_time(each.since)}, when {each.since_what}", "faint")])
            if each.fix:
                lines.append([(f"{pad}fix: ", "fix"), (visible(each.fix), "plain")])
        lines.append([])
    known = [each for standings in clusters.values() for each in standings]
    other = sum(1 for each in known if each.state != State.SAME)
    where = f"in {counted(len(clusters), 'cluster')}"
    last = (
        f"{other:,} of {counted(len(known), 'Application')} {where} not as merged"
        if other
        else (f"{counted(len(known), 'Application')} {where}, all as merged" if known else f"no Applications {where}")
    )
    return [*lines, [(last, "strong" if other else "good" if known else "gap")]]


def drift_content(clusters: Mapping[str, Sequence[Standing]]) -> dict[str, Any]:
    """Return the same as JSON says it; fields are only added within a version."""
    return {
        "version": 1,
        "clusters": [
            {"name": name, "counts": _counted(standings), "applications": [_entry(each) for each in standings]}
            for name, standings in clusters.items()
        ],
    }


def _counted(standings: Sequence[Standing]) -> dict[str, int]:
    counts = Counter(each.state for each in standings)
    return {state.value: counts[state] for state in State if counts[state]}


def _entry(standing: Standing) -> dict[str, Any]:
    application, lag = standing.application, standing.lag
    status = application.status if application else {}
    return {
        "name": standing.name,
        "namespace": application.namespace if application else "",
        "project": application.project if application else "",
        "state": standing.state.value,
        "reason": standing.reason,
        "since": None if standing.since is None else _time(standing.since),
        "since_what": standing.since_what,
        "fix": standing.fix,
        "sync": _word(status, "sync"),
        "health": _word(status, "health"),
        "revisions": [each.revision for each in application.sources] if application else [],
        "merged": lag.merged if lag else "",
        "commits_behind": lag.commits if lag else None,
    }


def _word(status: Mapping[str, Any], part: str) -> str:
    from modelyard.diffing.live import text

    return text(status, part, "status")


def _time(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
