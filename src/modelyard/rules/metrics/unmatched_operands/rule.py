"""Calculations with two metrics whose labels differ."""

from collections.abc import Iterator

from modelyard.catalog import Metric, exporter_of, metrics
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, Selector, expressions


@rule("metrics/unmatched-operands", warning, since="0.1.0")
def unmatched_operands(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Prometheus matches series with identical labels; an operation on metrics with other labels returns nothing."""
    for expression in expressions(environment):
        for left, right in expression.pairs:
            only = _differing(left, right)
            if only:
                yield Finding(
                    at=expression.at_word(left.metric),
                    message=f"{expression.manifest} combines {left.metric} and {right.metric}, of which "
                    f"only one has {', '.join(only)}: no series match, and the result is always empty",
                    fix=f"aggregate both by their common labels, or add ignoring ({', '.join(only)})",
                )


def _differing(left: Selector, right: Selector) -> list[str]:
    """Return the labels that one of two metrics has alone; none where their labels are not known for sure."""
    found = (_known(left), _known(right))
    if found[0] is None or found[1] is None or exporter_of(left.metric) != exporter_of(right.metric):
        return []
    return sorted(set(found[0].labels) ^ set(found[1].labels))


def _known(selector: Selector) -> Metric | None:
    exporter = metrics(exporter_of(selector.metric) or "")
    metric = exporter.series.get(selector.metric) if exporter is not None else None
    unsure = metric is None or metric.condition or metric.unverified or "..." in metric.labels
    return None if unsure else metric
