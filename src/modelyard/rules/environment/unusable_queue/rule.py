"""Interruption queues that Karpenter cannot use."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error, to_set, warning
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import ChartValues, Environment, pool_requirements

QUEUE = "settings.interruptionQueue"


@rule("environment/unusable-queue", warning, since="0.1.0")
def unusable_queue(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without the queue, Karpenter misses the two-minute Spot notice, and requests on the node are lost."""
    for values in environment.chart_values:
        if values.source.chart == "karpenter" and not values.unreadable:
            yield from _judge(environment, values)


def _judge(environment: Environment, values: ChartValues) -> Iterator[Finding]:
    queue = values.get(QUEUE)
    if isinstance(queue, str) and (queue.startswith("arn:") or "://" in queue):
        name = queue.replace("/", ":").rpartition(":")[2]
        yield Finding(
            at=values.at(QUEUE),
            message=f"{QUEUE} is {queue}, but Karpenter expects the name of a queue",
            fix=f"write {name}",
            edits=(to_set(values.at(QUEUE), name),),
            severity=error,
        )
    spot = [
        pool.name
        for pool in environment.pools
        if any(each.key == "karpenter.sh/capacity-type" and "spot" in each.values for each in pool_requirements(pool))
    ]
    if not queue and spot:
        cluster = environment.facts.get("cluster")
        yield Finding(
            at=values.at(QUEUE),
            message=f"node pool {both(spot)} may use Spot capacity, but Karpenter has no interruption queue",
            fix=f"set {QUEUE} to the queue that Terraform creates" + (f", {cluster}-karpenter" if cluster else ""),
        )
