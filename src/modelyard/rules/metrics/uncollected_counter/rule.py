"""Counters of GPUs that the exporter is not told to collect."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import plural
from modelyard.view import Environment, Expression, expressions

_FIELD = re.compile(r"^[ \t]*(DCGM_\w+)[ \t]*,", re.MULTILINE)


@rule("metrics/uncollected-counter", warning, since="0.1.0")
def uncollected_counter(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The DCGM exporter exports only the metrics in its counters file; a query for any other returns nothing."""
    collected = {
        name
        for manifest in environment.of_kind("ConfigMap", "")
        for key, content in manifest.mapping("data").items()
        if key.endswith(".csv") and isinstance(content, str)
        for name in _FIELD.findall(content)
    }
    if not collected:
        return
    asked: dict[str, list[Expression]] = {}
    for expression in expressions(environment):
        for selector in expression.selectors:
            if selector.metric.startswith(("DCGM_EXP_", "DCGM_FI_")) and selector.metric not in collected:
                asked.setdefault(selector.metric, []).append(expression)
    for metric, found in sorted(asked.items()):
        others = f" and {plural(len(found) - 1, 'other query').replace('querys', 'queries')}" if found[1:] else ""
        yield Finding(
            at=found[0].at_word(metric),
            message=f"{found[0].manifest}{others} queries {metric}, which is not in the DCGM exporter's list "
            "of counters",
            fix=f"add {metric} to the exporter's list of counters",
        )
