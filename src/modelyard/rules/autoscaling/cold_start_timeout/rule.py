"""Models that are given up while they start from no replica."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, to_set, warning
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, ServedModel, mapping, numbered, seconds, text
from modelyard.view.times.probes import allowed_seconds

COOLDOWN_SECONDS = 300
"""KEDA's own `cooldownPeriod` (defaultCooldownPeriod, pkg/scaling/executor/scale_executor.go at v2.20.2)."""


@rule("autoscaling/cold-start-timeout", warning, since="0.1.0")
def cold_start_timeout(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A timeout shorter than the cold start drops the first request, and may drop every later one too."""
    for model in environment.models:
        probe = model.container.value.get("startupProbe")
        if not isinstance(probe, dict):
            continue
        needed = allowed_seconds(probe)
        for scaler in _scalers_to_zero(environment, model):
            cooldown = scaler.get("spec.cooldownPeriod", COOLDOWN_SECONDS)
            if isinstance(cooldown, int) and cooldown < needed:
                at = scaler.at("spec.cooldownPeriod")
                yield Finding(
                    at=at,
                    message=f"{scaler} stops {model.name} {cooldown} s after the last request, and its start-up probe "
                    f"allows {needed} s to start, so it may stop before the caller retries",
                    fix=f"set cooldownPeriod to {needed + 600}: start-up, plus 10 minutes for the node and the image",
                    edits=(to_set(at, needed + 600),),
                )
            for route in _routes(environment, scaler):
                yield from _waits(route, model, needed)


def _waits(route: Manifest, model: ServedModel, needed: int) -> Iterator[Finding]:
    for field in ("readiness", "request"):
        told = route.get(f"spec.timeouts.{field}")
        limit = seconds(told)
        # 0 means no limit.
        if limit and limit < needed:
            at = route.at(f"spec.timeouts.{field}")
            yield Finding(
                at=at,
                message=f"{route} answers 504 after {told}, but the start-up probe of {model.name} allows {needed} s",
                fix=f"set {field} to {needed + 600}s: start-up, plus 10 minutes for the node and the image",
                edits=(to_set(at, f"{needed + 600}s"),),
            )


def _scalers_to_zero(environment: Environment, model: ServedModel) -> Iterator[Manifest]:
    namespace = environment.namespace_of(model.workload.manifest)
    for scaler in environment.of_kind("ScaledObject", "keda.sh"):
        target = scaler.mapping("spec.scaleTargetRef")
        if (target.get("kind") or "Deployment", target.get("name")) != (model.workload.kind, model.workload.name):
            continue
        lowest = (scaler.get("spec.idleReplicaCount"), scaler.get("spec.minReplicaCount", 0))
        if environment.namespace_of(scaler) == namespace and 0 in lowest:
            yield scaler


def _routes(environment: Environment, scaler: Manifest) -> Iterator[Manifest]:
    triggers = [mapping(each, "metadata") for _, each in numbered(scaler.value, "spec", "triggers")]
    names = {text(each, "interceptorRoute") for each in triggers} - {""}
    for route in environment.of_kind("InterceptorRoute", "http.keda.sh"):
        if route.name in names and environment.namespace_of(route) == environment.namespace_of(scaler):
            yield route
