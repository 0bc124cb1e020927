"""Expressions whose result is always empty, whatever the series are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment, Expression, entries, expressions, mapping, seconds, text

_WINDOW = re.compile(r"\b(?:rate|irate|increase|delta|deriv|idelta)\s{0,9}\([^\[\]]{1,400}\[(\d+)(ms|s|m)\]")
_SHARE = re.compile(
    r"\b(histogram_quantile|quantile_over_time|quantile)\s{0,9}\(\s{0,60}(\d{1,9}(?:\.\d{1,9})?)\s{0,9},"
)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


@rule("metrics/empty-result", warning, since="0.3.0")
def empty_result(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An alert on an empty result never fires, and an autoscaler or panel on it shows nothing."""
    constants = environment.derived(_constants)
    shortest = environment.derived(_shortest_interval)
    for expression in expressions(environment):
        yield from _of_constants(expression, constants)
        yield from _of_windows(expression, shortest)
        yield from _of_shares(expression)


def _of_constants(expression: Expression, constants: Mapping[str, Mapping[str, frozenset[str]]]) -> Iterator[Finding]:
    for selector in expression.selectors:
        for label, known in constants.get(selector.metric, {}).items():
            value = selector.labels.get(label)
            if value is not None and value not in known:
                asked = f'{selector.metric}{{{label}="{value}"}}'
                yield Finding(
                    at=expression.at_word(value),
                    message=f"{expression.manifest} asks for {asked}, and rules record it with {one_of(known)}",
                    fix=f"write {one_of(known)}",
                )


def _constants(environment: Environment) -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Return the labels that every rule of a recorded series sets, with their values."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for manifest in environment.of_kind("PrometheusRule", "monitoring.coreos.com"):
        for group in manifest.entries("spec.groups"):
            for each in entries(group, "rules"):
                if text(each, "record"):
                    found[text(each, "record")].append(
                        {key: str(value) for key, value in mapping(each, "labels").items()}
                    )
    return {
        name: {
            label: frozenset(labels[label] for labels in written)
            for label in set.intersection(*(set(labels) for labels in written))
        }
        for name, written in found.items()
    }


def _of_shares(expression: Expression) -> Iterator[Finding]:
    """Yield quantiles that are written in percent: above 1 Prometheus answers infinity."""
    for found in _SHARE.finditer(expression.text):
        if float(found[2]) > 1:
            yield Finding(
                at=expression.at_word(f"{found[1]}({found[2]}"),
                message=f"{expression.manifest} asks {found[1]} for {found[2]}, and quantiles are from 0 to 1: it is "
                "infinite",
                fix=f"write {float(found[2]) / 100:g}" if float(found[2]) <= 100 else "write a number from 0 to 1",
            )


def _of_windows(expression: Expression, shortest: float) -> Iterator[Finding]:
    for found in _WINDOW.finditer(expression.text) if shortest else ():
        window = float(found[1]) * _SECONDS[found[2]]
        if window < 2 * shortest:
            yield Finding(
                at=expression.at_word(f"[{found[1]}{found[2]}]"),
                message=f"{expression.manifest} looks back {found[1]}{found[2]}, and targets are scraped every "
                f"{shortest:g} s at most: a rate needs two samples",
                fix=f"write [{max(60, int(shortest * 4))}s] or more",
            )


def _shortest_interval(environment: Environment) -> float:
    """Return the shortest interval of the environment's monitors in seconds; 0 where none says one."""
    found = [
        seconds(text(endpoint, "interval"))
        for kind, field in (("ServiceMonitor", "endpoints"), ("PodMonitor", "podMetricsEndpoints"))
        for manifest in environment.of_kind(kind, "monitoring.coreos.com")
        for endpoint in manifest.entries(f"spec.{field}")
        if text(endpoint, "interval")
    ]
    return float(min((each for each in found if each), default=0))
