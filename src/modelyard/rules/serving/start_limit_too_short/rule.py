"""Limits of an engine on its own start that end before the start does."""

from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.view.times import TimeTable, time_table

_PROBE = "start-up probe"
# https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#starting-deadline
_CRON_INTERVAL = 10


@rule("serving/start-limit-too-short", warning, since="0.1.0")
def start_limit_too_short(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An engine or rank whose start-up timeout is shorter than the loading time starts over in a loop."""
    yield from _schedules(environment)
    for model in environment.models:
        if model.settings.problem:
            continue  # settings/unreadable-settings tells that; what they say of a start is not known
        table = time_table(environment, model)
        needed, whose = _needed(table)
        probe = _probe(table)
        for row in table.limits("start"):
            if row.name == _PROBE or row.at is None or row.seconds is None or needed is None or row.seconds >= needed:
                continue
            if probe is not None and probe < needed and row.seconds >= probe:
                continue  # the probe ends the start first, which probes/startup-budget-too-short tells
            yield Finding(
                at=row.at,
                message=f"{model.name}: {row.name} times out after {row.told} ({row.source}); {whose} {needed:.0f} s",
                fix=f"allow {needed:.0f} s or more, as long as the start-up probe; `modelyard times` shows all "
                "timeouts",
            )
        yield from _syncs(table)


def _schedules(environment: Environment) -> Iterator[Finding]:
    """Yield schedules whose runs are missed before the controller looks, which it does every ten seconds."""
    for workload in environment.own_workloads:
        seconds = workload.manifest.get("spec.startingDeadlineSeconds") if workload.kind == "CronJob" else None
        if isinstance(seconds, int) and 0 < seconds < _CRON_INTERVAL:
            yield Finding(
                at=workload.manifest.at("spec.startingDeadlineSeconds"),
                message=f"{workload} has startingDeadlineSeconds {seconds}, and below {_CRON_INTERVAL} a run may never "
                "start",
                fix="write 60 or more, or remove it",
            )


def _needed(table: TimeTable) -> tuple[float | None, str]:
    """Return how long a start may take, and who says so: the weights, else the start-up probe."""
    needed = table.needed("start")
    if needed is not None:
        return needed, "start-up may take"
    return _probe(table), "its start-up probe allows"


def _probe(table: TimeTable) -> float | None:
    return next((row.seconds for row in table.limits("start") if row.name == _PROBE), None)


def _syncs(table: TimeTable) -> Iterator[Finding]:
    needed = table.needed("rollout")
    for row in table.limits("rollout"):
        at: Address | None = row.at
        if not row.name.startswith("sync ") or at is None or row.seconds is None or needed is None:
            continue
        if row.seconds < needed:
            yield Finding(
                at=at,
                message=f"Argo CD cancels a sync after {row.told}; with hooks, the sync of {table.model.name} waits "
                f"until the model is ready, which may take {needed:.0f} s",
                fix=f"allow {needed + 300:.0f} s or more",
            )
