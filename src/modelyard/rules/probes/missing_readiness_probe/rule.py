"""Engines that get requests before they can answer."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, services_by_template


@rule("probes/missing-readiness-probe", warning, since="0.1.0")
def missing_readiness_probe(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without a readiness probe, a Service sends requests to an engine that hangs, drains or has lost its ranks."""
    services = services_by_template(environment)
    for model in environment.models:
        if model.engine.probed_by_operator or "readinessProbe" in model.container.value:
            continue  # KubeRay gives its pods probes
        behind = services.get(model.template, [])
        if behind:
            yield Finding(
                at=model.container.at("readinessProbe"),
                message=f"{behind[0]} sends requests to {model.container}, which has no readinessProbe",
                fix="add a readinessProbe on the engine's health path",
            )
