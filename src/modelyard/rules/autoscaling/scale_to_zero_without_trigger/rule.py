"""Models that nothing wakes."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Expression, Manifest, expressions, metric_prefixes, numbered, text

# Metrics of devices, which are there only where a node is.
_DEVICES = ("DCGM_", "neuron")


@rule("autoscaling/scale-to-zero-without-trigger", error, since="0.1.0")
def scale_to_zero_without_trigger(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without pods there are no metrics of the pods, so nothing ever starts the first replica again."""
    queries: dict[Manifest, list[Expression]] = {}
    for each in expressions(environment):
        queries.setdefault(each.manifest, []).append(each)
    for manifest in environment.of_kind("ScaledObject", "keda.sh"):
        triggers = [each for _, each in numbered(manifest.value, "spec", "triggers")]
        own = queries.get(manifest, [])
        if not triggers or not environment.is_ours(manifest) or not _reaches_zero(manifest):
            continue
        asks = all(text(each, "type") == "prometheus" for each in triggers) and len(own) == len(triggers)
        if asks and all(_only_of_engines(each) for each in own):
            yield Finding(
                at=manifest.at("spec.minReplicaCount"),
                message=f"{manifest} scales to zero ({_zero(manifest)}: 0), but every trigger uses metrics that only "
                "running replicas export",
                fix="keep one replica, or add a trigger on incoming requests (from a gateway or a queue)",
            )


def _reaches_zero(manifest: Manifest) -> bool:
    return 0 in (manifest.get("spec.idleReplicaCount"), manifest.get("spec.minReplicaCount", 0))


def _zero(manifest: Manifest) -> str:
    return "idleReplicaCount" if manifest.get("spec.idleReplicaCount") == 0 else "minReplicaCount"


def _only_of_engines(expression: Expression) -> bool:
    names = [selector.metric for selector in expression.selectors]
    return bool(names) and all(name.startswith((*metric_prefixes(), *_DEVICES)) for name in names)
