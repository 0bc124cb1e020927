"""Which labels the result of a PromQL expression can have, and where an expression asks for one that is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

_MOST_DEPTH = 100
"""Operations in operations that are followed; below them nothing is known."""
# Aggregations of which the result has the series that were given: https://prometheus.io/docs/prometheus/latest/querying/operators
_CHOOSING = frozenset({"bottomk", "limit_ratio", "limitk", "topk"})
# Functions whose result has no labels.
_WITHOUT_LABELS = frozenset({"pi", "scalar", "time", "vector"})
_ADDING = {"label_join": 1, "label_replace": 1}
"""Functions that set a label, with the number of the argument that names it."""
_EQUAL = ("=", "MatchOp.Equal")
_OF_MATCHERS = frozenset({"absent", "absent_over_time"})
_UNKNOWN = frozenset({"info"})
_QUANTILES = frozenset({"histogram_fraction", "histogram_quantile"})


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels that a result can have.

    Attributes:
        names: They alone or, where `others`, those that it has in no case.
        others: Whether it can have any label but `names`.
    """

    names: frozenset[str] = frozenset()
    others: bool = False

    def can_have(self, name: str) -> bool:
        """Return whether a series of the result can have a label."""
        return (name in self.names) is not self.others

    def without(self, names: frozenset[str]) -> Labels:
        """Return them less some."""
        return Labels(self.names | names if self.others else self.names - names, self.others)

    def with_also(self, names: frozenset[str]) -> Labels:
        """Return them and some more."""
        return Labels(self.names - names if self.others else self.names | names, self.others)

    def only(self, names: frozenset[str]) -> Labels:
        """Return those of some that are among them."""
        return Labels(frozenset(name for name in names if self.can_have(name)))

    def either(self, other: Labels) -> Labels:
        """Return what results of one or the other can have."""
        if self.others and other.others:
            return Labels(self.names & other.names, True)
        if self.others or other.others:
            closed, opened = (other, self) if self.others else (self, other)
            return Labels(opened.names - closed.names, True)
        return Labels(self.names | other.names)


ANY = Labels(others=True)
NONE = Labels()


@dataclass(frozen=True, slots=True)
class LostLabel:
    """A label that an operation asks for, and that what it is given has no more.

    Attributes:
        name: The label.
        operation: What asks: `by`, `on`, `{}` or the name of a function.
        operand: What it asks, as PromQL.
        has: The labels that this has; None where it has others than the label.
    """

    name: str
    operation: str
    operand: str
    has: frozenset[str] | None


def result_labels(query: str, recorded: Mapping[str, Labels]) -> tuple[Labels, tuple[LostLabel, ...]]:
    """Return which labels the result of an expression can have, and which it asks for in vain.

    Args:
        query: PromQL; one that cannot be parsed can have any label.
        recorded: Series that rules record, with their labels; others can have any.
    """
    import promql_parser

    try:
        parsed = promql_parser.parse(query)
    except ValueError:
        return ANY, ()
    reader = _Reader(recorded)
    return reader.labels(parsed), tuple(dict.fromkeys(reader.lost))


class _Reader:
    def __init__(self, recorded: Mapping[str, Labels]) -> None:
        import promql_parser

        self.promql = promql_parser
        self.recorded = recorded
        self.lost: list[LostLabel] = []

    def labels(self, node: Any, depth: int = 0) -> Labels:
        promql = self.promql
        if depth > _MOST_DEPTH:
            return ANY
        if isinstance(node, promql.VectorSelector):
            return self._of_selector(node)
        if isinstance(node, promql.MatrixSelector):
            return self._of_selector(node.vector_selector)
        if isinstance(node, promql.ParenExpr | promql.SubqueryExpr | promql.UnaryExpr):
            return self.labels(node.expr, depth + 1)
        if isinstance(node, promql.AggregateExpr):
            return self._of_aggregation(node, depth)
        if isinstance(node, promql.Call):
            return self._of_call(node, depth)
        if isinstance(node, promql.BinaryExpr):
            return self._of_operation(node, depth)
        return NONE

    def _of_selector(self, selector: Any) -> Labels:
        found = self.recorded.get(selector.name or "", ANY)
        asked = set()
        for matcher in selector.matchers.matchers:
            equal = str(matcher.op) in _EQUAL
            if matcher.name != "__name__" and equal is bool(matcher.value):
                asked.add(matcher.name)
                # `{pod!=""}` says itself that there may be none.
                if equal:
                    self._ask(found, matcher.name, "{}", selector.name or "")
        return found.with_also(frozenset(asked))

    def _of_aggregation(self, node: Any, depth: int) -> Labels:
        inner = self.labels(node.expr, depth + 1)
        if str(node.op) in _CHOOSING:
            return inner
        names = frozenset(node.modifier.labels) if node.modifier is not None else frozenset()
        added = frozenset({node.param.val}) if str(node.op) == "count_values" and hasattr(node.param, "val") else names
        if node.modifier is not None and not str(node.modifier.type).endswith("By"):
            return inner.without(names).with_also(added - names)
        for name in names:
            self._ask(inner, name, "by", str(node.expr))
        return inner.only(names).with_also(added - names)

    def _of_call(self, node: Any, depth: int) -> Labels:
        name, arguments = node.func.name, list(node.args)
        given = [self.labels(each, depth + 1) for each in arguments if not self._is_text(each)]
        if name in _WITHOUT_LABELS or not given:
            return NONE
        if name in _UNKNOWN:
            return ANY
        if name in _OF_MATCHERS:
            return self._of_matchers(arguments[0])
        if name in _QUANTILES:
            self._ask(given[-1], "le", name, str(arguments[-1]))
            return given[-1].without(frozenset({"le"}))
        vector = next((each for each in given if each != NONE), NONE)
        if name in _ADDING and len(arguments) > _ADDING[name]:
            return vector.with_also(frozenset({str(getattr(arguments[_ADDING[name]], "val", ""))}))
        return vector

    def _is_text(self, node: Any) -> bool:
        return isinstance(node, self.promql.StringLiteral)

    def _of_matchers(self, node: Any) -> Labels:
        """Return the labels of what stands for a selector that finds nothing: those that it asks for by equality."""
        while isinstance(node, self.promql.ParenExpr | self.promql.MatrixSelector):
            node = node.expr if isinstance(node, self.promql.ParenExpr) else node.vector_selector
        if not isinstance(node, self.promql.VectorSelector):
            return NONE
        return Labels(
            frozenset(
                each.name for each in node.matchers.matchers if each.name != "__name__" and str(each.op) in _EQUAL
            )
        )

    def _of_operation(self, node: Any, depth: int) -> Labels:
        left, right = (self.labels(each, depth + 1) for each in (node.lhs, node.rhs))
        scalars = [self._is_scalar(each) for each in (node.lhs, node.rhs)]
        if any(scalars):
            return left if scalars[1] else right
        operator, modifier = str(node.op), node.modifier
        matching = getattr(modifier, "matching", None)
        on = matching is not None and str(matching.type).endswith("Include")
        names = frozenset(matching.labels) if matching is not None else frozenset()
        for name in names if on else ():
            if left.can_have(name) is not right.can_have(name):
                side, labels = (node.rhs, right) if left.can_have(name) else (node.lhs, left)
                self._ask(labels, name, "on", str(side))
        if operator == "or":
            return left.either(right)
        if operator in ("and", "unless"):
            return left
        card = str(getattr(modifier, "card", ""))
        added = frozenset(getattr(modifier, "group_labels", None) or ())
        if card.endswith("ManyToOne"):
            return _joined(left, right, added)
        if card.endswith("OneToMany"):
            return _joined(right, left, added)
        if on:
            return left.only(names)
        return min(left, right, key=lambda each: each.others).without(names)

    def _is_scalar(self, node: Any) -> bool:
        while isinstance(node, self.promql.ParenExpr | self.promql.UnaryExpr):
            node = node.expr
        if isinstance(node, self.promql.BinaryExpr):
            return self._is_scalar(node.lhs) and self._is_scalar(node.rhs)
        return isinstance(node, self.promql.NumberLiteral) or (
            isinstance(node, self.promql.Call) and node.func.name in ("pi", "scalar", "time")
        )

    def _ask(self, labels: Labels, name: str, operation: str, operand: str) -> None:
        if not labels.can_have(name):
            self.lost.append(LostLabel(name, operation, operand, None if labels.others else labels.names))


def _joined(many: Labels, one: Labels, added: frozenset[str]) -> Labels:
    """Return the labels of the side with many series, with those that `group_left` takes from the other."""
    given = one.only(added).names
    return many.without(added - given).with_also(given)


def recorded_labels(rules: Iterator[tuple[str, str, frozenset[str]]]) -> dict[str, Labels]:
    """Return the labels that recorded series can have.

    Args:
        rules: Name, expression and labels of each rule that records.
    """
    by_name: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for name, query, labels in rules:
        by_name.setdefault(name, []).append((query, labels))
    # A rule may ask for what it records itself: labels grow from none until nothing is added.
    found = dict.fromkeys(by_name, NONE)
    for _ in range(len(found) + 1):
        following = {
            name: reduce(Labels.either, (result_labels(query, found)[0].with_also(labels) for query, labels in each))
            for name, each in by_name.items()
        }
        if following == found:
            break
        found = following
    else:
        return dict.fromkeys(by_name, ANY)
    return found
