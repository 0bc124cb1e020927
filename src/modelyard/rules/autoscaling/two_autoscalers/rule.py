"""Workloads that two autoscalers pull at."""

from collections.abc import Iterator

from modelyard.cluster import Environment, Thing
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule

_SCALERS = (
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("keda.sh", "ScaledObject"),
    ("autoscaling.aibrix.ai", "PodAutoscaler"),
)


@rule("autoscaling/two-autoscalers", error, since="0.1.0")
def two_autoscalers(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Two autoscalers of one workload undo each other's decisions; KEDA refuses the second."""
    first: dict[tuple[str, str, str], Thing] = {}
    for group, kind in _SCALERS:
        for thing in environment.of_kind(kind, group):
            target = thing.mapping("spec.scaleTargetRef")
            name = str(target.get("name") or "")
            key = (environment.namespace_of(thing), str(target.get("kind") or "Deployment"), name)
            other = first.setdefault(key, thing)
            if name and other is not thing:
                yield Finding(
                    at=thing.at("spec.scaleTargetRef.name"),
                    message=f"{thing} and {other} both scale {key[1]} {name}",
                    fix="keep one; a ScaledObject makes its own HorizontalPodAutoscaler",
                )
