"""Network policies that keep the API server from webhooks."""

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.view import Environment, Isolation, Manifest, PodTemplate, Service, isolations, mapping

_HOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_HTTPS = 443


@rule("network/webhook-denied", error, since="0.1.0")
def webhook_denied(environment: Environment) -> Iterator[Finding | NotChecked]:
    """If the API server cannot reach a webhook's pods, it rejects the objects, and syncs fail."""
    isolated = isolations(environment, "Ingress")
    services = {(each.namespace, each.name): each for each in environment.services}
    said: set[tuple[PodTemplate, int]] = set()
    for manifest, called, what in _called(environment):
        service = services.get((str(called.get("namespace")), str(called.get("name"))))
        for template in service.pods if service is not None else ():
            port = _target(service, template, int(called.get("port") or _HTTPS))
            isolation = isolated.get(template)
            if port is None or isolation is None or isolation.admits(port) or (template, port) in said:
                continue
            said.add((template, port))
            policy, path = _nearest(isolation)
            yield Finding(
                at=policy.at(path),
                message=f"{manifest} makes the API server call port {port} of {template} {what}, "
                f"which no network policy of namespace {environment.namespace_of(policy)} allows",
                fix=f"allow ingress to port {port} without `from`: the API server has no label and no fixed address",
            )


def _called(environment: Environment) -> Iterator[tuple[Manifest, Mapping[str, Any], str]]:
    """Yield each Service that the API server calls and cannot do without, who says so, and what for."""
    for kind in _HOOKS:
        for manifest in environment.of_kind(kind):
            for hook in manifest.entries("webhooks"):
                if str(hook.get("failurePolicy") or "Fail") == "Fail":
                    yield manifest, mapping(hook, "clientConfig", "service"), f"for webhook {hook.get('name')}"
    for manifest in environment.of_kind("APIService"):
        yield manifest, manifest.mapping("spec.service"), "for its API"
    for manifest in environment.of_kind("CustomResourceDefinition"):
        called = manifest.mapping("spec.conversion.webhook.clientConfig.service")
        if called:
            yield manifest, called, "to convert between versions"


def _target(service: Service | None, template: PodTemplate, port: int) -> int | None:
    """Return the port of a pod that a port of its Service leads to; None where it leads nowhere."""
    for each in service.ports if service is not None else ():
        if each.get("port") != port:
            continue
        wanted = each.get("targetPort", port)
        if isinstance(wanted, int):
            return wanted
        return next((number for name, number, _ in template.ports if name == wanted), None)
    return None


def _nearest(isolation: Isolation) -> tuple[Manifest, Path]:
    """Return the policy, and the port in it, that is probably meant for the API server."""
    for policy in isolation.policies:
        for index, rule_ in enumerate(policy.entries("spec.ingress")):
            if not rule_.get("from") and rule_.get("ports"):
                return policy, ("spec", "ingress", index, "ports", 0, "port")
    named = [each for each in isolation.policies if each.has("spec.ingress")]
    policy = (named or list(isolation.policies))[0]
    return policy, ("spec", "ingress") if policy.has("spec.ingress") else ("spec", "podSelector")
