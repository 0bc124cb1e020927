"""Autoscalers: pkg/apis/autoscaling/validation/validation.go of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.rendering import Path
from modelyard.view.quantities import quantity
from modelyard.view.shapes import mapping, numbered, text
from modelyard.view.validation.checks import Check, Refused, choice_of, needed, range_of, whole

_LONGEST_WINDOW_SECONDS = 3600
_LONGEST_PERIOD_SECONDS = 1800
_METRIC_SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
_TARGETS = {
    "resource": ("averageUtilization", "averageValue"),
    "containerResource": ("averageUtilization", "averageValue"),
    "pods": ("averageValue",),
    "object": ("value", "averageValue"),
    "external": ("value", "averageValue"),
}


def _autoscaler(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    yield from range_of(spec, ("spec",), "maxReplicas", 1)
    yield from range_of(spec, ("spec",), "minReplicas", 0)
    least, most = whole(spec.get("minReplicas")), whole(spec.get("maxReplicas"))
    if least is not None and most is not None and least > most:
        yield Refused(("spec", "maxReplicas"), f"maxReplicas is {most}, minReplicas ({least}) or more is expected")
    yield from needed(mapping(spec, "scaleTargetRef"), ("spec", "scaleTargetRef"), "kind", "name")
    for index, metric in numbered(spec, "metrics"):
        here: Path = ("spec", "metrics", index)
        kind = text(metric, "type")
        yield from choice_of(metric, here, "type", _METRIC_SOURCES)
        wanted = _METRIC_SOURCES.get(kind)
        if wanted is None:
            continue
        for field in _METRIC_SOURCES.values():
            if field != wanted and metric.get(field) is not None:
                yield Refused((*here, field), f"a metric of type {kind} has {field}", "remove it")
        if not isinstance(metric.get(wanted), dict):
            yield Refused((*here, "type"), f"a metric of type {kind} has no {wanted}")
            continue
        yield from _metric(metric[wanted], (*here, wanted), kind, wanted)
    yield from behavior(mapping(spec, "behavior"), ("spec", "behavior"))


def _metric(source: dict[str, Any], at: Path, kind: str, field: str) -> Iterator[Refused]:
    if field in ("resource", "containerResource"):
        yield from needed(source, at, "name")
    else:
        yield from needed(mapping(source, "metric"), (*at, "metric"), "name")
    if field == "containerResource":
        yield from needed(source, at, "container")
    target = mapping(source, "target")
    here = (*at, "target")
    yield from choice_of(target, here, "type", ("AverageValue", "Utilization", "Value"))
    allowed = _TARGETS[field]
    present = [each for each in allowed if target.get(each) is not None]
    if not present:
        yield Refused(here, f"the target of a metric of type {kind} lacks {' and '.join(allowed)}", f"set {allowed[0]}")
    elif len(present) > 1:
        yield Refused((*here, present[1]), f"a target has both {present[0]} and {present[1]}", "keep one of them")
    yield from range_of(target, here, "averageUtilization", 1)
    for each in ("value", "averageValue"):
        number = quantity(target.get(each))
        if number is not None and number <= 0:
            yield Refused((*here, each), f"{each} is {target[each]}, more than zero is expected")


def behavior(rules: dict[str, Any], at: Path) -> Iterator[Refused]:
    """Yield what is wrong with the pace of an autoscaler: `validateBehavior`."""
    for direction in ("scaleUp", "scaleDown"):
        here = (*at, direction)
        pace = mapping(rules, direction)
        yield from choice_of(pace, here, "selectPolicy", ("Disabled", "Max", "Min"))
        yield from range_of(pace, here, "stabilizationWindowSeconds", 0, _LONGEST_WINDOW_SECONDS)
        for index, policy in numbered(pace, "policies"):
            yield from choice_of(policy, (*here, "policies", index), "type", ("Pods", "Percent"))
            yield from range_of(policy, (*here, "policies", index), "value", 1)
            yield from range_of(policy, (*here, "policies", index), "periodSeconds", 1, _LONGEST_PERIOD_SECONDS)


AUTOSCALER_CHECKS: Mapping[tuple[str, str], Check] = {("autoscaling", "HorizontalPodAutoscaler"): _autoscaler}
