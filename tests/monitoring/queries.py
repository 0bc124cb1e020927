"""Every expression of rules and dashboards, and what it asks of which exporter."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import promql_parser

from modelyard.catalog import exporters, metrics
from tests.manifests.composition import BASES
from tests.monitoring.rules import BUDGET, groups

DASHBOARDS = [
    *sorted((BASES / "platform" / "dashboards").glob("*.json")),
    *sorted((BASES / "platform").glob("fluent-bit-*/logs.json")),
]
# What Prometheus and the operator's monitors add to every series, and what relabelings of ours add.
TARGET = {"namespace", "pod", "container", "service", "endpoint", "job", "instance", "node"}
POD_LABELS = {"app_kubernetes_io_instance"}  # podTargetLabels of monitors of ours
OWN = {"up": TARGET}  # made by Prometheus itself


@dataclass(slots=True)
class Asked:
    """What one expression reads.

    Attributes:
        labels: Labels that selectors ask of each metric.
        grouped: Labels that aggregations, joins and label_replace take from any of the metrics.
        made: Labels that label_replace makes.
    """

    labels: dict[str, set[str]] = field(default_factory=dict)
    grouped: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)


def panels() -> Iterator[tuple[str, str, str]]:
    """Yield file, panel and expression of every query to Prometheus; rows have none."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                if "expr" in target:
                    yield f"{path.parent.name}/{path.stem}", panel["title"], target["expr"]


def expressions() -> list[tuple[str, str]]:
    """Return a name and the text of every expression, with Grafana's variables filled in."""
    told = [
        (rule.get("record", rule.get("alert")), rule["expr"])
        for found in groups().values()
        for group in found
        for rule in group["rules"]
    ]
    return told + [(f"{file}: {title}", filled(expr)) for file, title, expr in panels()]


def filled(expr: str) -> str:
    """Return a panel's expression as Prometheus gets it."""
    return re.sub(r"\$\w+", ".*", expr.replace("$__rate_interval", "2m"))


@functools.cache
def recorded() -> dict[str, set[str]]:
    """Return the labels that each recorded series can have."""
    found: dict[str, set[str]] = {}
    every = [*groups().values(), [BUDGET]]
    rules = [rule for each in every for group in each for rule in group["rules"] if "record" in rule]
    for rule in rules * 2:  # a rule may read one that is listed after it
        asked = read(rule["expr"])
        labels = asked.grouped | asked.made | set(rule.get("labels", ()))
        for name in asked.labels:
            labels |= found.get(name, set())
        if rule["record"].startswith("objective:"):
            labels.add("model_name")  # an environment's own, for one model
        found.setdefault(rule["record"], set()).update(labels)
    return found


@functools.cache
def served() -> dict[str, set[str] | None]:
    """Return the labels of every series that an exporter of the catalogue serves; None where they are not all known."""
    found: dict[str, set[str] | None] = {}
    for name in exporters():
        exporter = metrics(name)
        assert exporter is not None
        for series, metric in exporter.series.items():
            labels = set(metric.labels) | TARGET | POD_LABELS | {f"exported_{label}" for label in metric.labels}
            if series.endswith("_bucket") and metric.type == "histogram":
                labels.add("le")
            known = None if "..." in metric.labels else labels
            before = found.get(series, set())
            found[series] = None if known is None or before is None else before | known
    return found


def known(name: str) -> set[str] | None:
    """Return the labels of a series, None where they are not all known.

    Raises:
        KeyError: Nothing serves or records it.
    """
    for each in (OWN, recorded(), served()):
        if name in each:
            return each[name]
    raise KeyError(name)


def unknown(asked: set[str], told: set[str] | None) -> set[str]:
    """Return the labels that a series does not have; those of Kubernetes objects are whatever their owners wrote."""
    if told is None:
        return set()
    free = any(label.startswith("label_") for label in told)
    return {label for label in asked - told if not (free and label.startswith("label_"))}


def read(expr: str) -> Asked:
    """Return what an expression asks for."""
    asked = Asked()
    _walk(promql_parser.parse(expr), asked)
    return asked


def _walk(node: Any, asked: Asked) -> None:
    match node:
        case promql_parser.VectorSelector():
            assert node.name, "a selector without a metric's name reads everything"
            asked.labels.setdefault(node.name, set()).update(matcher.name for matcher in node.matchers.matchers)
        case promql_parser.MatrixSelector():
            _walk(node.vector_selector, asked)
        case promql_parser.SubqueryExpr() | promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            _walk(node.expr, asked)
        case promql_parser.AggregateExpr():
            if node.modifier is not None:
                asked.grouped.update(node.modifier.labels)
            _walk(node.expr, asked)
        case promql_parser.BinaryExpr():
            if node.modifier is not None and node.modifier.matching is not None:
                asked.grouped.update(node.modifier.matching.labels)
                asked.grouped.update(node.modifier.group_labels or ())
            _walk(node.lhs, asked)
            _walk(node.rhs, asked)
        case promql_parser.Call():
            texts = [each.val for each in node.args if isinstance(each, promql_parser.StringLiteral)]
            if node.func.name == "label_replace":
                asked.made.add(texts[0])
                asked.grouped.update(filter(None, [texts[2]]))
            for each in node.args:
                _walk(each, asked)
