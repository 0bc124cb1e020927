"""Objectives that no engine can reach on the devices of a model."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.planning.objectives import written
from modelyard.planning.objectives_met import models_with_objectives
from modelyard.rules import rule
from modelyard.view import Environment

_METRICS = (("itl", "itl_ms", "between tokens"), ("ttft", "ttft_ms", "to the first token"))


@rule("planning/objective-out-of-reach", error, since="0.1.0")
def objective_out_of_reach(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Reading the weights alone takes longer than the objective allows, at any load and with any settings."""
    for each in models_with_objectives(environment):
        objectives = each.objectives
        if objectives is None or each.gap:
            yield NotChecked(each.model, each.gap, each.fix, application=each.model.application.name)
            continue
        for key, name, what in _METRICS:
            limit = getattr(objectives, name)
            beyond = [
                (device, value, least.itl_reason if key == "itl" else least.ttft_reason)
                for device, least in each.floors
                if limit is not None and (value := getattr(least, name)) is not None and value > limit
            ]
            if beyond:
                device, value, reason = max(beyond, key=lambda row: row[1])
                yield Finding(
                    at=each.address(key),
                    message=f"{each.model.name} cannot reach {written(limit)} {what} on {device}: at least "
                    f"{value:.0f} ms, because {reason}",
                    fix=f"use faster devices, FP8 weights or more tensor-parallel ranks, or raise {key}; "
                    f"modelyard plan {each.model.name} --env {environment.name} compares them",
                )
