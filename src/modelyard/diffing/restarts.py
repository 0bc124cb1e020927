"""Which pods are replaced, and how many at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from modelyard.diffing.matching import Item
from modelyard.diffing.model import Restart
from modelyard.diffing.scaling import Replicas, replicas
from modelyard.diffing.values import differences, equal
from modelyard.view import Manifest, PodTemplate, Workload

_MOST_REASONS = 4
_COUNTED = frozenset({"Deployment", "StatefulSet", "LeaderWorkerSet"})


def restart(
    before: Item, after: Item, old: Workload, new: Workload, manifests: Sequence[Manifest], reload_names: dict[str, str]
) -> Restart | None:
    """Return what happens to a workload's pods; None where they stay.

    Args:
        before: The workload on the base side.
        after: The workload on the head side.
        old: The same with its pod templates.
        new: The same with its pod templates.
        manifests: Resources of the Application on the head side, for what scales it.
        reload_names: Names of generated ConfigMaps and Secrets on the head side whose content changed, with the name
            that people know.
    """
    if not new.templates or _same_templates(old, new):
        return None
    count = replicas(new, manifests)
    pods, pace, extra = _PACES.get(new.kind, _unknown)(new, count)
    devices = {name: amount * extra for name, amount in _devices(new).items() if amount * extra}
    return Restart(
        str(new.manifest),
        pods,
        pace,
        devices,
        _starting(new.templates),
        tuple(_reasons(before, after, new, reload_names)),
        _number(new, count),
    )


def _number(workload: Workload, count: Replicas) -> tuple[int, int] | None:
    """Return how many pods are replaced of their own accord, at least and at most; None where nothing says it."""
    manifest = workload.manifest
    if workload.kind == "CronJob" or manifest.get("spec.updateStrategy.type") == "OnDelete":
        return 0, 0
    if workload.kind == "RayService" and manifest.get("spec.upgradeStrategy.type") == "None":
        return 0, 0
    size = manifest.get("spec.leaderWorkerTemplate.size", 1) if workload.kind == "LeaderWorkerSet" else 1
    if workload.kind not in _COUNTED or count.least is None or count.most is None or not isinstance(size, int):
        return None
    return count.least * size, count.most * size


def _same_templates(old: Workload, new: Workload) -> bool:
    if len(old.templates) != len(new.templates):
        return False
    if old.kind == "RayService":
        first, second = (each.manifest.get("spec.rayClusterConfig") for each in (old, new))
        return equal(first, second)
    return all(equal(a.value, b.value) for a, b in zip(old.templates, new.templates, strict=True))


def _reasons(before: Item, after: Item, new: Workload, reload_names: dict[str, str]) -> list[str]:
    """Return the parts of the pod templates that changed, settings by the name of their ConfigMap."""
    reasons = []
    for template in new.templates:
        old_template, new_template = before.value, after.value
        for step in template.path:
            old_template, new_template = _step(old_template, step), _step(new_template, step)
        reasons += [change.path or "the whole template" for change in differences(old_template, new_template)]
        used = _strings(template.value)
        reasons += [f"settings in {name}" for hashed, name in reload_names.items() if hashed in used]
    reasons = list(dict.fromkeys(reasons))
    if len(reasons) > _MOST_REASONS:
        return [*reasons[: _MOST_REASONS - 1], f"{len(reasons) - _MOST_REASONS + 1} more"]
    return reasons


def _step(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return {}


def _strings(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {text for item in value.values() for text in _strings(item)}
    if isinstance(value, list):
        return {text for item in value for text in _strings(item)}
    return {value} if isinstance(value, str) else set()


def _devices(workload: Workload) -> dict[str, int]:
    """Return the devices of one replica: of one pod, or of one group of pods."""
    total: dict[str, int] = {}
    workers = 1
    if workload.kind == "LeaderWorkerSet":
        size = workload.manifest.get("spec.leaderWorkerTemplate.size", 1)
        workers = max(0, size - 1) if isinstance(size, int) else 0
    for template in workload.templates:
        times = workers if template.path[-1:] == ("workerTemplate",) else 1
        for name, amount in template.accelerators.items():
            total[name] = total.get(name, 0) + amount * times
    if workload.kind == "LeaderWorkerSet" and len(workload.templates) == 1:
        # Without a template of its own the leader is made from the workers' one.
        total = {name: amount + amount // max(1, workers) for name, amount in total.items()}
    return total


def _starting(templates: Sequence[PodTemplate]) -> int | None:
    """Return the longest time in seconds that a startup probe allows a container."""
    longest = None
    for template in templates:
        for container in template.containers:
            probe = container.value.get("startupProbe")
            if isinstance(probe, dict):
                # The API server's defaults: three failures, ten seconds apart.
                failures, period = probe.get("failureThreshold", 3), probe.get("periodSeconds", 10)
                delay = probe.get("initialDelaySeconds") or 0
                if all(isinstance(number, int) for number in (failures, period, delay)):
                    longest = max(longest or 0, delay + failures * period)
    return longest


def _deployment(workload: Workload, count: Replicas) -> tuple[str, str, int]:
    pods = _counted(count, "pod")
    if count.most == 0:
        return pods, "nothing runs", 0
    strategy = workload.manifest.mapping("spec.strategy")
    if strategy.get("type") == "Recreate":
        return pods, "all at once, nothing serves until new ones are ready", 0
    rolling = strategy.get("rollingUpdate") or {}
    # The API server's defaults are 25 % each; shares of surge are rounded up, of unavailable ones down.
    number = count.most or 1
    surge = _amount(rolling.get("maxSurge", "25%"), number, math.ceil)
    away = _amount(rolling.get("maxUnavailable", "25%"), number, math.floor)
    if surge == 0 and away == 0:
        away = 1
    together = min(number, surge + away)
    pace = "one at a time" if together == 1 else f"{together} at a time"
    if away == 0:
        pace += ", new before old"
    elif away >= number:
        pace += ", and nothing may serve meanwhile"
    return pods, pace, min(surge, number)


def _stateful_set(workload: Workload, count: Replicas) -> tuple[str, str, int]:
    strategy = workload.manifest.mapping("spec.updateStrategy")
    pods = _counted(count, "pod")
    if strategy.get("type") == "OnDelete":
        return pods, "only when somebody deletes them", 0
    rolling = strategy.get("rollingUpdate") or {}
    away = max(1, _amount(rolling.get("maxUnavailable", 1), count.most or 1, math.ceil))
    pace = "one at a time, from the last" if away == 1 else f"{away} at a time, from the last"
    if rolling.get("partition"):
        pace += f"; those below {rolling['partition']} stay"
    return pods, pace, 0


def _daemon_set(workload: Workload, count: Replicas) -> tuple[str, str, int]:
    strategy = workload.manifest.mapping("spec.updateStrategy")
    if strategy.get("type") == "OnDelete":
        return "a pod on every node", "only when somebody deletes them", 0
    away = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1)
    return "a pod on every node", f"{away} nodes at a time" if away != 1 else "one node at a time", 0


def _leader_worker_set(workload: Workload, count: Replicas) -> tuple[str, str, int]:
    rolling = workload.manifest.mapping("spec.rolloutStrategy.rollingUpdateConfiguration")
    number = count.most or 1
    away = _amount(rolling.get("maxUnavailable", 1), number, math.floor)
    surge = _amount(rolling.get("maxSurge", 0), number, math.ceil)
    size = workload.manifest.get("spec.leaderWorkerTemplate.size", 1)
    together = min(number, max(1, away + surge))
    pace = "one group at a time" if together == 1 else f"{together} groups at a time"
    if surge == 0 and away >= number:
        pace += ", nothing serves meanwhile"
    return f"{_counted(count, 'group')} of {size} pods", pace, min(surge, number)


def _ray_service(workload: Workload, count: Replicas) -> tuple[str, str, int]:
    strategy = workload.manifest.get("spec.upgradeStrategy.type", "NewCluster")
    if strategy == "None":
        return "the Ray cluster", "not replaced: its upgrade strategy is None", 0
    return "the Ray cluster", "a second cluster starts, then takes over, so both hold devices for a while", 1


def _job(workload: Workload, count: Replicas) -> tuple[str, str, int]:
    return ("the next run", "with its new template", 0) if workload.kind == "CronJob" else ("its pods", "anew", 0)


def _unknown(workload: Workload, count: Replicas) -> tuple[str, str, int]:
    return "its pods", "as its controller decides", 0


_PACES: dict[str, Callable[[Workload, Replicas], tuple[str, str, int]]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "LeaderWorkerSet": _leader_worker_set,
    "RayService": _ray_service,
    "CronJob": _job,
    "Job": _job,
}


def _counted(count: Replicas, noun: str) -> str:
    return f"{count} {noun}" if count.least == count.most == 1 else f"{count} {noun}s"


def _amount(value: Any, number: int, rounded: Callable[[float], int]) -> int:
    if isinstance(value, str) and value.endswith("%") and value[:-1].isdigit():
        return rounded(number * int(value[:-1]) / 100)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
