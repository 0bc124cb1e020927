"""Expressions that Prometheus cannot parse."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, expressions


@rule("metrics/unreadable-expression", error, since="0.1.0")
def unreadable_expression(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Prometheus rejects an expression that it cannot parse: the rule is not loaded, the autoscaler gets no value."""
    for expression in expressions(environment):
        if expression.problem:
            yield Finding(
                at=expression.at,
                message=f"PromQL of {expression.manifest} cannot be parsed: {expression.problem}",
                fix="correct the expression; `promtool check rules` shows the same error",
            )
