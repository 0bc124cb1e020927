"""Thresholds of autoscaling that are reached after an objective is missed."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.planning.objectives import written
from modelyard.planning.objectives_met import models_with_objectives
from modelyard.rules import rule
from modelyard.view import Environment, mapping, numbered, quantity, text

_TTFT = "time_to_first_token_seconds"
_ITL = ("time_per_output_token_seconds", "inter_token_latency_seconds")


@rule("planning/threshold-beyond-objective", warning, since="0.1.0")
def threshold_beyond_objective(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A replica is added when callers wait longer than the objective allows already, and takes minutes to come."""
    known = {each.model.application.name: each for each in models_with_objectives(environment)}
    for scaler in environment.of_kind("ScaledObject", "keda.sh") if known else ():
        each = known.get(scaler.application)
        objectives = each.objectives if each is not None else None
        if each is None or objectives is None:
            continue
        for index, trigger in numbered(scaler.value, "spec", "triggers"):
            metadata = mapping(trigger, "metadata")
            query, threshold = text(metadata, "query"), quantity(metadata.get("threshold"))
            key, limit = "", None
            if query and _TTFT in query:
                key, limit = "ttft", objectives.ttft_ms
            elif query and any(name in query for name in _ITL):
                key, limit = "itl", objectives.itl_ms
            if limit is None or threshold is None or float(threshold) * 1e3 <= limit:
                continue
            yield Finding(
                at=scaler.at(("spec", "triggers", index, "metadata", "threshold")),
                message=f"{scaler} adds a replica from {float(threshold):g} s on, and the objective of "
                f"{each.model.name} is {key} {written(limit)}",
                fix=f"set threshold to {limit / 1e3:g} or less, since a replica takes minutes to start",
            )
