"""Labels that an operation asks for after another has dropped them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import (
    Environment,
    Expression,
    Labels,
    LostLabel,
    Manifest,
    entries,
    expressions,
    mapping,
    numbered,
    recorded_labels,
    result_labels,
    text,
)
from modelyard.wording import join_and

_ACTION = re.compile(r"\{\{[^{}]*\}\}")
_LABEL = re.compile(r"(?:\$labels|\$?\.Labels)\.(\w+)|index\s+\$labels\s+\"(\w+)\"")
_GUARD = re.compile(r"\{\{-?\s*(?:else\s+)?(?:if|with)\b")
_MOST = 60
"""Characters of an expression that are shown."""


@rule("metrics/lost-label", warning, since="0.3.0")
def lost_label(environment: Environment) -> Iterator[Finding | NotChecked]:
    """What an aggregation dropped is empty after it: operands do not match, quantiles are empty, alerts name nobody."""
    recorded = environment.derived(_recorded)
    for expression in expressions(environment):
        for lost in result_labels(expression.plain, recorded)[1] if not expression.problem else ():
            yield _asked_in_vain(expression, lost)
    for manifest in environment.of_kind("PrometheusRule", "monitoring.coreos.com"):
        for number, group in numbered(manifest.value, "spec", "groups") if environment.is_ours(manifest) else ():
            for index, each in numbered(group, "rules"):
                if text(each, "alert"):
                    yield from _of_alert(manifest, ("spec", "groups", number, "rules", index), each, recorded)


def _recorded(environment: Environment) -> Mapping[str, Labels]:
    return recorded_labels(
        (text(each, "record"), text(each, "expr"), frozenset(str(key) for key in mapping(each, "labels")))
        for manifest in environment.of_kind("PrometheusRule", "monitoring.coreos.com")
        for group in manifest.entries("spec.groups")
        for each in entries(group, "rules")
        if text(each, "record")
    )


def _asked_in_vain(expression: Expression, lost: LostLabel) -> Finding:
    operand = lost.operand if len(lost.operand) <= _MOST else f"{lost.operand[: _MOST - 1]}…"
    kept = "drops it" if lost.has is None else f"has {join_and(sorted(lost.has)) or 'no labels'} alone"
    does, fix = {
        "by": (f"aggregates by {lost.name}", f"keep {lost.name} in what is aggregated, or leave it out"),
        "on": (f"matches series on {lost.name}", f"keep {lost.name} in both operands"),
        "{}": (f"asks for the label {lost.name}", f"keep {lost.name} where {operand} is recorded, or leave it out"),
    }.get(
        lost.operation,
        (f"takes {lost.operation} by {lost.name}, which gives nothing", f"keep {lost.name}: add it to by (…)"),
    )
    word = lost.name if lost.operation in ("by", "on", "{}") else lost.operation
    return Finding(expression.at_word(word), f"{expression.manifest} {does}, and {operand} {kept}", fix=fix)


def _of_alert(
    manifest: Manifest, at: tuple[str | int, ...], alert: Any, recorded: Mapping[str, Labels]
) -> Iterator[Finding]:
    labels, _ = result_labels(text(alert, "expr"), recorded)
    for holder in ("annotations", "labels"):
        for key, written in mapping(alert, holder).items():
            actions = _ACTION.findall(str(written))
            shown, guarded = (
                _names(each for each in actions if not _GUARD.match(each)),
                _names(filter(_GUARD.match, actions)),
            )
            for name in shown:
                if not labels.can_have(name) and name not in guarded:
                    has = join_and(sorted(labels.names)) if not labels.others else ""
                    kept = f"has {has or 'no labels'} alone" if not labels.others else "drops it"
                    yield Finding(
                        at=manifest.at((*at, holder, str(key))),
                        message=f"{key} of alert {text(alert, 'alert')} shows the label {name}, and its expression "
                        f"{kept}: it is empty",
                        fix=f"keep {name} in the expression" + (f", or show {has}" if has else ""),
                    )


def _names(actions: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(first or second for each in actions for first, second in _LABEL.findall(each)))
