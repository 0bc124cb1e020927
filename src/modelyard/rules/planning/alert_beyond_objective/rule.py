"""Alerts that ring after an objective is missed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from modelyard.findings import Address, Finding, NotChecked, warning
from modelyard.planning.objectives import written
from modelyard.planning.objectives_met import ModelObjectives, limit_at, models_with_objectives
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, mapping, numbered, text

_RECORDS = {"objective:time_to_first_token_seconds": "ttft", "objective:inter_token_seconds": "itl"}
_METRICS = (
    ("time_to_first_token_seconds_bucket", "ttft"),
    ("inter_token_latency_seconds_bucket", "itl"),
    ("time_per_output_token_seconds_bucket", "itl"),
)
_VALUE = re.compile(r"\s*(?:vector\(\s*)?(\d*\.?\d+)\s*\)?\s*")
# One comparison of one quantile with a number, and nothing else: what has more to it is not judged.
_COMPARED = re.compile(
    r"\s*histogram_quantile\(\s*(0?\.\d+)\s*,[^<>=!]*(?:=~?[^<>]*)?\)\s*>=?\s*(\d*\.?\d+)\s*", re.DOTALL
)
_MODEL = re.compile(r"model_name\s*=\s*[\"']([^\"']+)[\"']")


@dataclass(frozen=True)
class _Limit:
    """From which time on an alert rings: of a metric at a percentile, for one model or, without a name, for all."""

    at: Address
    name: str
    metric: str
    percentile: float
    ms: float
    model: str
    recorded: bool


@rule("planning/alert-beyond-objective", warning, since="0.1.0")
def alert_beyond_objective(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An alert takes a longer time for good than the model's objective does: callers know first."""
    known = [each for each in models_with_objectives(environment) if each.objectives is not None]
    limits = list(_limits(environment)) if known else []
    for each in known:
        for limit in limits:
            if limit.model not in _names(each) and (limit.model or _own(limits, limit, each)):
                continue
            # What is recorded for other percentiles is set beside it, and not from it.
            if limit.recorded and each.objectives and limit.percentile != each.objectives.percentile:
                continue
            yield from _beyond(each, limit)


def _beyond(each: ModelObjectives, limit: _Limit) -> Iterator[Finding]:
    objectives = each.objectives
    allowed = limit_at(objectives, limit.metric, limit.percentile) if objectives is not None else None
    if objectives is None or allowed is None or limit.ms <= allowed * 1.001:
        return
    own = objectives.ttft_ms if limit.metric == "ttft" else objectives.itl_ms
    there = "" if limit.percentile == objectives.percentile else f", at most {_short(allowed)} there"
    yield Finding(
        at=limit.at,
        message=f"{limit.name} rings from {_short(limit.ms)} at percentile {limit.percentile:g} on, and the objective "
        f"of {each.model.name} is {limit.metric} {written(own or 0.0)} at percentile {objectives.percentile}{there}",
        fix=f"give {each.model.name} its own: {_short(allowed)} with the label model_name, or raise the objective",
    )


def _short(ms: float) -> str:
    return written(float(f"{ms:.2g}"))


def _names(each: ModelObjectives) -> set[str]:
    told = each.model.settings.get("served-model-name")
    listed = told if isinstance(told, list) else str(told or "").split()
    return {each.model.name, each.model.application.name, *map(str, listed)}


def _own(limits: list[_Limit], limit: _Limit, each: ModelObjectives) -> bool:
    """Return whether a model has a limit of its own, which goes before the one of all."""
    same = (limit.name, limit.metric, limit.percentile)
    return any((o.name, o.metric, o.percentile) == same and o.model in _names(each) for o in limits if o.model)


def _limits(environment: Environment) -> Iterator[_Limit]:
    for manifest in environment.of_kind("PrometheusRule", "monitoring.coreos.com"):
        for number, group in numbered(manifest.value, "spec", "groups"):
            for index, found in numbered(group, "rules"):
                yield from _limit(manifest, ("spec", "groups", number, "rules", index, "expr"), found)


def _limit(manifest: Manifest, path: tuple[str | int, ...], found: object) -> Iterator[_Limit]:
    record, expression, labels = text(found, "record"), text(found, "expr"), mapping(found, "labels")
    if record in _RECORDS:
        value, quantile = _VALUE.fullmatch(expression), _VALUE.fullmatch(str(labels.get("quantile") or ""))
        if value and quantile:
            model = str(labels.get("model_name") or "")
            at, ms = float(quantile[1]) * 100, float(value[1]) * 1e3
            yield _Limit(manifest.at(path), f"the alert of {record}", _RECORDS[record], at, ms, model, recorded=True)
        return
    compared = _COMPARED.fullmatch(expression) if text(found, "alert") else None
    metric = next((key for name, key in _METRICS if name in expression), "")
    if compared and metric:
        named = _MODEL.search(expression)
        seconds, at = float(compared[2]), float(compared[1]) * 100
        name = f"alert {text(found, 'alert')}"
        model = named[1] if named else ""
        yield _Limit(manifest.at(path), name, metric, at, seconds * 1e3, model, recorded=False)
