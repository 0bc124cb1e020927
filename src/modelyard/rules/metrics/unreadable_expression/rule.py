"""Expressions that Prometheus cannot parse."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, UserError, error
from modelyard.repository import Files, derived
from modelyard.rules import rule
from modelyard.view import Environment, expressions

_OPERATOR = "apiVersion: operator.victoriametrics.com/"


@rule("metrics/unreadable-expression", error, since="0.1.0")
def unreadable_expression(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Prometheus rejects an expression that it cannot parse: the rule is not loaded, the autoscaler gets no value."""
    for expression in expressions(environment):
        if expression.problem and not environment.is_generated and _of_victoria_metrics(environment.repository.files):
            reason = "objects of VictoriaMetrics lie here, whose MetricsQL permits more than PromQL"
            yield NotChecked(f"expressions of {expression.manifest}", reason)
        elif expression.problem:
            yield Finding(
                at=expression.at,
                message=f"PromQL of {expression.manifest} cannot be parsed: {expression.problem}",
                fix="correct the expression; `promtool check rules` shows the same error",
            )


@derived
def _of_victoria_metrics(files: Files) -> bool:
    """Return whether objects of VictoriaMetrics' operator lie in a repository; it takes over those of Prometheus'."""
    return any(_OPERATOR in _text(files, path) for path in files.below(("yaml", "yml")))


def _text(files: Files, path: str) -> str:
    try:
        return files.text(path)
    except UserError:
        return ""
