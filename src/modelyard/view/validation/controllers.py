"""What makes and scales pods: pkg/apis/{apps,policy}/validation/validation.go of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.rendering import Path
from modelyard.view.shapes import mapping, text
from modelyard.view.validation.checks import Check, Refused, choice_of, matched_labels, range_of, share, whole

_WHOLE_PERCENT = 100
_DEFAULT_PROGRESS_SECONDS = 600


def _pods_of_controller(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    labels = mapping(spec, "template", "metadata", "labels")
    yield from matched_labels(spec.get("selector"), labels, ("spec", "selector"))
    policy = mapping(spec, "template", "spec").get("restartPolicy")
    if policy not in (None, "Always"):
        yield Refused(("spec", "template", "spec", "restartPolicy"), f"restartPolicy is {policy}, Always is expected")
    for field in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        yield from range_of(spec, ("spec",), field, 0)


def _deployment(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _pods_of_controller(value)
    spec = mapping(value, "spec")
    ready = whole(spec.get("minReadySeconds")) or 0
    progress = whole(spec.get("progressDeadlineSeconds"))
    if (_DEFAULT_PROGRESS_SECONDS if progress is None else progress) <= ready:
        yield Refused(
            ("spec", "progressDeadlineSeconds"),
            f"progressDeadlineSeconds is {_DEFAULT_PROGRESS_SECONDS if progress is None else progress}, more than "
            f"minReadySeconds ({ready}) is expected",
        )
    strategy = mapping(spec, "strategy")
    here = ("spec", "strategy", "rollingUpdate")
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate" and isinstance(rolling, dict):
        yield Refused(here, "strategy Recreate has rollingUpdate", "remove rollingUpdate")
    elif isinstance(rolling, dict):
        yield from _rolling(rolling, here)
        if share(rolling.get("maxUnavailable")) == 0 and share(rolling.get("maxSurge", "25%")) == 0:
            yield Refused((*here, "maxUnavailable"), "maxUnavailable and maxSurge are both 0")


def _rolling(rolling: dict[str, Any], at: Path) -> Iterator[Refused]:
    for field in ("maxUnavailable", "maxSurge"):
        value = rolling.get(field)
        amount = share(value)
        if isinstance(value, str) and amount is None:
            yield Refused((*at, field), f"{field} is {value}, a number or a percentage is expected")
        elif amount is not None and amount < 0:
            yield Refused((*at, field), f"{field} is {value}, 0 or more is expected")
        elif field == "maxUnavailable" and isinstance(value, str) and (amount or 0) > _WHOLE_PERCENT:
            yield Refused((*at, field), f"{field} is {value}, at most 100% is expected")


def _daemon_set(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _pods_of_controller(value)
    here = ("spec", "updateStrategy", "rollingUpdate")
    rolling = mapping(value, *here)
    yield from _rolling(rolling, here)
    unavailable = share(rolling.get("maxUnavailable", 1 if not share(rolling.get("maxSurge")) else 0))
    surge = share(rolling.get("maxSurge", 0))
    if rolling and unavailable == 0 and surge == 0:
        yield Refused((*here, "maxUnavailable"), "maxUnavailable and maxSurge are both 0")
    elif rolling.get("maxUnavailable") is not None and unavailable and surge:
        yield Refused((*here, "maxSurge"), "maxSurge and maxUnavailable are both set", "set one of them to 0")


def _stateful_set(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _pods_of_controller(value)
    spec = mapping(value, "spec")
    yield from choice_of(spec, ("spec",), "podManagementPolicy", ("OrderedReady", "Parallel"))
    strategy = mapping(spec, "updateStrategy")
    yield from choice_of(strategy, ("spec", "updateStrategy"), "type", ("OnDelete", "RollingUpdate"))
    if strategy.get("type") == "OnDelete" and strategy.get("rollingUpdate") is not None:
        yield Refused(
            ("spec", "updateStrategy", "rollingUpdate"), "updateStrategy OnDelete has rollingUpdate", "remove it"
        )
    if mapping(spec, "template", "spec").get("activeDeadlineSeconds") is not None:
        yield Refused(("spec", "template", "spec", "activeDeadlineSeconds"), "a StatefulSet has activeDeadlineSeconds")


def _disruption_budget(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        yield Refused(("spec", "maxUnavailable"), "it has both minAvailable and maxUnavailable", "keep one of them")
    for field in ("minAvailable", "maxUnavailable"):
        if isinstance(spec.get(field), str) and share(spec[field]) is None:
            yield Refused(("spec", field), f"{field} is {spec[field]}, a number or a percentage is expected")


def _priority_class(value: dict[str, Any]) -> Iterator[Refused]:
    highest = 1_000_000_000
    name, number = text(value, "metadata", "name"), whole(value.get("value"))
    if name.startswith("system-"):
        yield Refused(
            ("metadata", "name"), f"{name} begins with system-, which is Kubernetes' own", "name it otherwise"
        )
    elif number is not None and number > highest:
        yield Refused(("value",), f"value is {number}, at most {highest:,} is expected")


CONTROLLER_CHECKS: Mapping[tuple[str, str], Check] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _pods_of_controller,
    ("apps", "StatefulSet"): _stateful_set,
    ("policy", "PodDisruptionBudget"): _disruption_budget,
    ("scheduling.k8s.io", "PriorityClass"): _priority_class,
}
