"""Thresholds of autoscaling that are reached after an objective is missed."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.planning.objectives import written
from modelyard.planning.objectives_met import limit_at, models_with_objectives
from modelyard.rules import rule
from modelyard.view import Environment, mapping, numbered, quantity, text

_TTFT = "time_to_first_token_seconds"
_ITL = ("time_per_output_token_seconds", "inter_token_latency_seconds")
_QUANTILE = re.compile(r"histogram_quantile\(\s*(0?\.\d+)")
_MEAN = 90.0
"""Percentile that a mean counts as: tails of these times are not so heavy that the mean lies above it."""


@rule("planning/threshold-beyond-objective", warning, since="0.1.0")
def threshold_beyond_objective(environment: Environment) -> Iterator[Finding | NotChecked]:
    """KEDA adds a replica only after the objective is already missed, and the replica takes minutes to start."""
    known = {each.model.application.name: each for each in models_with_objectives(environment)}
    for scaler in environment.of_kind("ScaledObject", "keda.sh") if known else ():
        each = known.get(scaler.application)
        objectives = each.objectives if each is not None else None
        if each is None or objectives is None:
            continue
        for index, trigger in numbered(scaler.value, "spec", "triggers"):
            metadata = mapping(trigger, "metadata")
            query, threshold = text(metadata, "query"), quantity(metadata.get("threshold"))
            if not query or threshold is None:
                continue
            key = "ttft" if _TTFT in query else "itl" if any(name in query for name in _ITL) else ""
            found = _QUANTILE.search(query)
            percentile = float(found[1]) * 100 if found else _MEAN
            limit = limit_at(objectives, key, percentile) if key else None
            own = objectives.ttft_ms if key == "ttft" else objectives.itl_ms
            if limit is None or own is None or float(threshold) * 1e3 <= limit:
                continue
            beyond = "" if limit == own else f", at most {written(float(f'{limit:.2g}'))} there"
            yield Finding(
                at=scaler.at(("spec", "triggers", index, "metadata", "threshold")),
                message=f"{scaler} adds a replica from {float(threshold):g} s {_where(found)} on, and the objective of "
                f"{each.model.name} is {key} {written(own)} at the {_ordinal(objectives.percentile)}{beyond}",
                fix=f"set threshold to {limit / 1e3:.2g} or less, because a replica takes minutes to start",
            )


def _where(found: re.Match[str] | None) -> str:
    return f"at the {_ordinal(float(found[1]) * 100)}" if found else "in the mean"


def _ordinal(percentile: float) -> str:
    return "median" if percentile == 50 else f"{percentile:g}th percentile"
