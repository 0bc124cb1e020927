"""Model endpoints on the internet."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Service, entries, text
from modelyard.view.services import MADE_INTERNAL, public_annotation

_KEYS = ("VLLM_API_KEY",)


@rule("network/public-load-balancer", error, since="0.1.0")
def public_load_balancer(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Anyone can use, at your cost, a model whose Service is internet-facing without an API key."""
    for service in environment.services:
        annotation = public_annotation(service.manifest.annotations)
        if service.type != "LoadBalancer" or not annotation:
            continue
        for model in environment.models:
            if model.template in service.pods and not _asks_for_key(environment, service):
                yield Finding(
                    at=service.manifest.at(("metadata", "annotations", annotation)),
                    message=f"{service} exposes {model.name} to the internet, but the engine requires no API key",
                    fix=f"set {annotation} to {MADE_INTERNAL[annotation]}, and expose a gateway with authentication "
                    "instead",
                )


def _asks_for_key(environment: Environment, service: Service) -> bool:
    for model in environment.models:
        if model.template in service.pods:
            names = {text(each, "name") for each in entries(model.container.value, "env")}
            if names & set(_KEYS) or model.settings.get("api-key"):
                return True
    return False
