"""Models that nothing wakes."""

from collections.abc import Iterator

from modelyard.cluster import Environment, Expression, Thing, expressions, numbered, text
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule

# Metrics that only running engines serve.
_ENGINES = ("vllm:", "vllm_omni:", "ray_", "triton_", "nv_inference_", "DCGM_", "neuron")


@rule("autoscaling/no-way-back-from-zero", error, since="0.1.0")
def no_way_back_from_zero(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A metric of the pods themselves is gone when there are no pods, so that nothing starts the first one again."""
    queries: dict[int, list[Expression]] = {}
    for each in expressions(environment):
        queries.setdefault(id(each.thing), []).append(each)
    for thing in environment.of_kind("ScaledObject", "keda.sh"):
        triggers = [each for _, each in numbered(thing.value, "spec", "triggers")]
        own = queries.get(id(thing), [])
        if not triggers or not environment.is_ours(thing) or not _reaches_zero(thing):
            continue
        asks = all(text(each, "type") == "prometheus" for each in triggers) and len(own) == len(triggers)
        if asks and all(_only_of_engines(each) for each in own):
            yield Finding(
                at=thing.at("spec.minReplicaCount"),
                message=f"{thing} goes down to no replicas, and every trigger asks for metrics that replicas serve",
                fix="keep one replica, or add a trigger on what arrives in front of them (a gateway, a queue)",
            )


def _reaches_zero(thing: Thing) -> bool:
    return 0 in (thing.get("spec.idleReplicaCount"), thing.get("spec.minReplicaCount", 0))


def _only_of_engines(expression: Expression) -> bool:
    names = [selector.metric for selector in expression.selectors]
    return bool(names) and all(name.startswith(_ENGINES) for name in names)
