"""Services whose name becomes a setting of the engine."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment


@rule("serving/injected-engine-port", error, since="0.1.0")
def injected_engine_port(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A Service named vllm makes Kubernetes set VLLM_PORT to a URL in pods, and vLLM exits."""
    for service in environment.services:
        injected = f"{service.name.upper().replace('-', '_')}_PORT"
        for model in environment.models:
            if model.engine.port_variable != injected:
                continue
            here = environment.namespace_of(model.workload.manifest) == service.namespace
            if here and model.template.spec.get("enableServiceLinks") is not False:
                yield Finding(
                    at=service.manifest.at("metadata.name"),
                    message=f"{service} sets {injected} in the pods of {model.workload} to a value that is not "
                    "a number",
                    fix="rename the Service, or set enableServiceLinks: false in the pods",
                )
