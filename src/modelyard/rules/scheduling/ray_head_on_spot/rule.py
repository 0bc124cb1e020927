"""Heads of Ray clusters on capacity that AWS takes back."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, PodTemplate, Pool, selected_pools, tolerates

_CAPACITY = "karpenter.sh/capacity-type"


@rule("scheduling/ray-head-on-spot", warning, since="0.1.0")
def ray_head_on_spot(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The Ray head holds the cluster's state; a Spot interruption of its node stops every replica."""
    for workload in environment.own_workloads:
        keeps_state = workload.manifest.has("spec.rayClusterConfig.gcsFaultToleranceOptions") or workload.manifest.has(
            "spec.gcsFaultToleranceOptions"
        )
        head = next((each for each in workload.templates if "headGroupSpec" in each.path), None)
        if head is None or keeps_state:
            continue
        for pool in _pools(environment, head):
            index = _spot(pool)
            if index is not None:
                yield Finding(
                    at=pool.manifest.at(("spec", "template", "spec", "requirements", index, "values")),
                    message=f"the head of {workload} can land on {pool}, which allows Spot instances",
                    fix="require karpenter.sh/capacity-type on-demand for the head, or keep its state in Redis",
                )


def _pools(environment: Environment, head: PodTemplate) -> Iterator[Pool]:
    tolerations = head.spec.get("tolerations")
    tolerated = tolerations if isinstance(tolerations, list) else []
    for pool in selected_pools(head, environment.pools):
        hard = [each for each in pool.taints if each.effect != "PreferNoSchedule"]
        if all(tolerates(tolerated, each) for each in hard) and not _requires_on_demand(head):
            yield pool


def _requires_on_demand(head: PodTemplate) -> bool:
    selector = head.spec.get("nodeSelector")
    return isinstance(selector, dict) and selector.get(_CAPACITY) == "on-demand"


def _spot(pool: Pool) -> int | None:
    for index, each in enumerate(pool.requirements):
        values = each.get("values")
        if each.get("key") == _CAPACITY and each.get("operator") == "In" and isinstance(values, list):
            return index if "spot" in values else None
    return None
