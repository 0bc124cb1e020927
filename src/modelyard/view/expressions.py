"""PromQL of an environment, parsed: of autoscalers, of alerting and recording rules, of dashboards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from modelyard.findings import Address
from modelyard.rendering import Path, Sources
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import mapping, numbered, text
from modelyard.view.terraform.blocks import LineAddress

if TYPE_CHECKING:
    from modelyard.view.environment import Environment

DASHBOARD_LABEL = "grafana_dashboard"
# What Grafana replaces before it asks: a duration, a number or a label's value.
_VARIABLE = re.compile(r"\$(?:__(?:rate_)?interval(?:_ms)?|__range(?:_s|_ms)?|\{?\w+(?::\w+)?\}?)")
_SETS = ("and", "or", "unless")
# Functions of which the result has the labels of what they are given.
_KEEP_LABELS = frozenset(
    {"abs", "avg_over_time", "ceil", "changes", "clamp", "clamp_max", "clamp_min", "count_over_time", "delta", "deriv"}
    | {"floor", "idelta", "increase", "irate", "last_over_time", "max_over_time", "min_over_time", "rate", "resets"}
    | {"round", "sqrt", "sum_over_time", "timestamp"}
)
_MAKE_LABELS = frozenset({"absent", "absent_over_time", "info", "label_join", "label_replace", "scalar", "vector"})
_Groups = tuple[tuple[str, tuple["Selector", ...]], ...]
_DURATION = re.compile(r"\[\s*+\$[^\]\[]*\]")


@dataclass(frozen=True)
class Selector:
    """A selector of series in an expression.

    Attributes:
        metric: The metric's name; empty where it is matched by a pattern.
        labels: Labels that it asks for by equality.
        matched: Every label that it matches on.
    """

    metric: str
    labels: dict[str, str] = field(hash=False)
    matched: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Expression:
    """One PromQL expression.

    Attributes:
        manifest: What holds it.
        path: Where in it.
        text: The expression.
        selectors: The series that it asks for.
        pairs: Series that are calculated with each other or compared by all their labels: neither side is aggregated,
            and no `on` or `ignoring` says which labels count.
        problem: Why it cannot be parsed; empty when it can.
        groups: Labels that it aggregates by, each with the series below, where nothing in between makes labels.
    """

    manifest: Manifest
    path: Path
    text: str
    selectors: tuple[Selector, ...] = ()
    pairs: tuple[tuple[Selector, Selector], ...] = ()
    problem: str = ""
    groups: tuple[tuple[str, tuple[Selector, ...]], ...] = ()

    @property
    def plain(self) -> str:
        """Return it as Prometheus gets it: what Grafana replaces has some value."""
        return _plain(self.text)

    @property
    def at(self) -> Address:
        """Return where it is written."""
        return self.at_word("")

    def at_word(self, word: str) -> Address:
        """Return where a word of it is written, as far as a file with dashboards shows the word."""
        if self.path[0] == "data":
            return dashboard_at(self.manifest, str(self.path[-1]), word or json.dumps(self.text)[1:-1])
        return self.manifest.at(self.path)


def expressions(environment: Environment) -> Iterator[Expression]:
    """Yield every expression of an environment whose manifest is in this repository."""
    for manifest in environment.of_kind("ScaledObject", "keda.sh"):
        for index, trigger in numbered(manifest.value, "spec", "triggers"):
            query = text(mapping(trigger, "metadata"), "query")
            if query and text(trigger, "type") == "prometheus" and environment.is_ours(manifest):
                yield _expression(manifest, ("spec", "triggers", index, "metadata", "query"), query)
    for manifest in environment.of_kind("PrometheusRule", "monitoring.coreos.com"):
        for number, group in numbered(manifest.value, "spec", "groups"):
            for index, rule in numbered(group, "rules"):
                if text(rule, "expr") and environment.is_ours(manifest):
                    yield _expression(manifest, ("spec", "groups", number, "rules", index, "expr"), text(rule, "expr"))
    for manifest in environment.of_kind("ConfigMap", ""):
        if DASHBOARD_LABEL in manifest.labels and environment.is_ours(manifest):
            for key, content in manifest.mapping("data").items():
                for query in _queries(content) if isinstance(content, str) else ():
                    yield _expression(manifest, ("data", key), query)


def dashboard_at(manifest: Manifest, key: str, sought: str = "", line: int = 1) -> Address:
    """Return where a text of a dashboard is written: in the file that the ConfigMap is made of, where that is known.

    Args:
        manifest: The ConfigMap.
        key: Its key with the dashboard.
        sought: The text; empty for the line itself.
        line: Line of the file from which it is looked for.
    """
    file = Sources(manifest.repository, manifest.target, manifest.resource).generated_file(key)
    if not file:
        return manifest.at(("data", key))
    return LineAddress(manifest.repository.files, file, line, sought=(sought,) if sought else ())


def panels(dashboard: Any) -> Iterator[Any]:
    """Yield a dashboard itself and its panels, those of rows too."""
    waiting = [dashboard]
    while waiting:
        panel = waiting.pop()
        yield panel
        waiting.extend(each for _, each in numbered(panel, "panels"))


def queries(dashboard: Any) -> Iterator[str]:
    """Yield the expressions that the panels of a dashboard ask."""
    for panel in panels(dashboard):
        yield from (query for _, target in numbered(panel, "targets") if (query := text(target, "expr")))


def dashboards(environment: Environment) -> Iterator[tuple[Manifest, str]]:
    """Yield each ConfigMap of this repository that holds a dashboard, with its key; whether Grafana is told or not."""
    for manifest in environment.of_kind("ConfigMap", ""):
        for key, content in manifest.mapping("data").items() if environment.is_ours(manifest) else ():
            if key.endswith(".json") and isinstance(content, str) and _queries(content):
                yield manifest, str(key)


@lru_cache(maxsize=256)  # environments share their dashboards
def _queries(content: str) -> tuple[str, ...]:
    try:
        return tuple(queries(parsed(content)))
    except MalformedJSON:
        return ()


def _expression(manifest: Manifest, path: Path, query: str) -> Expression:
    return Expression(manifest, path, query, *_parsed(query))


def _plain(query: str) -> str:
    return _VARIABLE.sub("1", _DURATION.sub("[5m]", query))


@lru_cache(maxsize=2048)
def _parsed(query: str) -> tuple[tuple[Selector, ...], tuple[tuple[Selector, Selector], ...], str, _Groups]:
    import promql_parser

    plain = _plain(query)
    try:
        parsed = promql_parser.parse(plain)
    except ValueError as fault:
        # Grafana may put anything where a variable stands outside of quotes.
        variable = plain != query and "$" in re.sub(r"\"[^\"]*\"|'[^']*'|\[[^\]\[]*\]", "", query)
        return (), (), "" if variable else str(fault), ()
    found: list[Selector] = []
    pairs: list[tuple[Selector, Selector]] = []
    groups: list[tuple[str, tuple[Selector, ...]]] = []

    def visit(each: Any) -> bool:
        if isinstance(each, promql_parser.VectorSelector):
            found.append(_selector(each))
        elif isinstance(each, promql_parser.BinaryExpr) and str(each.op) not in _SETS and each.modifier is None:
            left, right = _one_series(each.lhs), _one_series(each.rhs)
            if left is not None and right is not None:
                pairs.append((left, right))
        elif isinstance(each, promql_parser.AggregateExpr) and each.modifier is not None:
            below = _below(each.expr) if str(each.modifier.type).endswith("By") else ()
            groups.extend((label, below) for label in each.modifier.labels if below)
        return True

    promql_parser.walk(parsed, visit)
    return tuple(found), tuple(pairs), "", tuple(groups)


def _below(expression: Any) -> tuple[Selector, ...]:
    """Return the series of an expression that has no labels but theirs; none where it may have others."""
    import promql_parser

    found: list[Selector] = []
    makes_labels = False

    def visit(each: Any) -> bool:
        nonlocal makes_labels
        if isinstance(each, promql_parser.VectorSelector):
            found.append(_selector(each))
        elif isinstance(each, promql_parser.Call):
            makes_labels |= each.func.name in _MAKE_LABELS
        elif isinstance(each, promql_parser.BinaryExpr):
            makes_labels |= each.modifier is not None
        return True

    promql_parser.walk(expression, visit)
    return () if makes_labels else tuple(found)


def _one_series(side: Any) -> Selector | None:
    """Return the series that one side of a calculation has the labels of; None where it has not those of one metric."""
    import promql_parser

    if isinstance(side, promql_parser.VectorSelector):
        return _selector(side)
    if isinstance(side, promql_parser.MatrixSelector):
        return _selector(side.vector_selector)
    if isinstance(side, promql_parser.ParenExpr | promql_parser.SubqueryExpr | promql_parser.UnaryExpr):
        return _one_series(side.expr)
    if isinstance(side, promql_parser.Call) and side.func.name in _KEEP_LABELS:
        return next((found for each in side.args if (found := _one_series(each)) is not None), None)
    return None


def _selector(selector: Any) -> Selector:
    matchers = list(selector.matchers.matchers)
    equal = {each.name: each.value for each in matchers if str(each.op) in ("=", "MatchOp.Equal")}
    name = selector.name or equal.pop("__name__", "")
    return Selector(name, equal, frozenset(each.name for each in matchers if each.name != "__name__"))
