"""Rollouts that need a second whole node beside the first."""

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment

WHOLE_NODE = 8
"""GPUs of the largest nodes, which are rented whole and of which a second is seldom had."""


@rule("scheduling/surge-of-whole-nodes", warning, since="0.1.0")
def surge_of_whole_nodes(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A rollout that needs a second eight-GPU node first is stuck when EC2 has no capacity."""
    for model in environment.models:
        manifest = model.workload.manifest
        gpus = model.template.accelerators.get("nvidia.com/gpu", 0)
        if model.workload.kind != "Deployment" or gpus < WHOLE_NODE or manifest.get("spec.strategy.type") == "Recreate":
            continue
        rolling = manifest.mapping("spec.strategy.rollingUpdate")
        if _is_none(rolling.get("maxSurge", "25%")) or not _is_none(rolling.get("maxUnavailable", "25%")):
            continue
        yield Finding(
            at=manifest.at("spec.strategy.rollingUpdate.maxSurge"),
            message=f"a rollout of {model.name} starts a second pod with {gpus} GPUs before it stops the old one",
            fix="set maxSurge 0 and maxUnavailable 1, unless a reservation has room for a second node",
        )


def _is_none(amount: Any) -> bool:
    return amount in (0, "0", "0%")
