"""Services that pods are told to call, and cannot reach."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import (
    NAMESPACE_NAME,
    Container,
    Environment,
    Isolation,
    Peer,
    PodTemplate,
    Service,
    admits_peer,
    isolations,
    mapping,
    namespace_labels,
    numbered,
    text,
)

_URL = re.compile(
    r"(https?)://([a-z0-9][-a-z0-9]{0,62})(?:\.([a-z0-9][-a-z0-9]{0,62}))?(\.svc[.a-z]*)?(?::(\d{1,5}))?(?:/.*)?"
)
_VARIABLE = re.compile(r"(?<!\$)\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
_LABEL = re.compile(r"metadata\.labels\['([^']+)'\]")
_DEFAULTS = {"http": 80, "https": 443}


@rule("network/unreachable-service", error, since="0.3.0")
def unreachable_service(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Pods that are given the URL of a Service get no answer where it lacks the port, or a policy denies the call."""
    services = {(each.namespace, each.name): each for each in environment.services}
    for workload in environment.own_workloads:
        namespace = environment.namespace_of(workload.manifest)
        for template in workload.templates:
            for container in template.containers:
                for index, value in _texts(container, template, namespace):
                    match = _URL.fullmatch(value)
                    service = services.get((match[3] or namespace, match[2])) if match else None
                    if match is None or service is None or service.type == "ExternalName":
                        continue
                    port = int(match[5] or _DEFAULTS[match[1]])
                    fault = _fault(environment, template, namespace, service, port, qualified=bool(match[4]))
                    if fault is not None:
                        yield Finding(
                            at=container.at("env", index, "value"),
                            message=f"{container} calls {value}, {fault[0]}",
                            fix=fault[1],
                        )


def _texts(container: Container, template: PodTemplate, namespace: str) -> Iterator[tuple[int, str]]:
    """Yield the variables with a text of their own, as Kubernetes fills it in, where all of it is known."""
    known: dict[str, str] = {}
    for index, each in numbered(container.value, "env"):
        written = each.get("value")
        if isinstance(written, str):
            names = set(_VARIABLE.findall(written))
            if names <= set(known):
                known[text(each, "name")] = filled = _VARIABLE.sub(lambda found: known[found[1]], written)
                yield index, filled
            continue
        path = text(each, "valueFrom", "fieldRef", "fieldPath")
        label = _LABEL.fullmatch(path)
        if label is not None and label[1] in template.labels:
            known[text(each, "name")] = str(template.labels[label[1]])
        elif path == "metadata.namespace" and namespace:
            known[text(each, "name")] = namespace


def _fault(
    environment: Environment, template: PodTemplate, namespace: str, service: Service, port: int, *, qualified: bool
) -> tuple[str, str] | None:
    """Return why a Service cannot be reached, and what to do; None where it can, or where that is not known."""
    found = next((each for each in service.ports if each.get("port") == port), None)
    if port not in service.answered_ports:
        ports = [str(each) for each in sorted(service.answered_ports)]
        # Whole names are looked at by network/unknown-service-address.
        if qualified or not ports:
            return None
        if service.is_headless:
            return f"and {service} is headless: its pods listen on port {one_of(ports)}", f"call port {one_of(ports)}"
        return f"and {service} has port {one_of(ports)} alone", f"call port {one_of(ports)}"
    if template.spec.get("hostNetwork"):
        return None
    labels = namespace_labels(environment)
    out = isolations(environment, "Egress").get(template)
    ours = Peer(namespace, _labels(labels, namespace), template.labels)
    denied: tuple[str, str] | None = None
    for pods in service.pods:
        number = port if service.is_headless else _number(pods, found or {})
        if number is None or pods is template:
            continue
        theirs = Peer(service.namespace, _labels(labels, service.namespace), pods.labels)
        into = isolations(environment, "Ingress").get(pods)
        if out is not None and not admits_peer(out, theirs, number) and not out.admits(number):
            denied = f"and {_named(out)} does not let it out to {pods}", f"let it out to port {number} of {pods}"
        elif into is not None and not admits_peer(into, ours, number) and not into.admits(number):
            denied = f"and {_named(into)} does not let it in", f"let {template} in to port {number} of {pods}"
        else:
            return None  # some of the pods answer
    return denied


def _number(pods: PodTemplate, port: Mapping[str, Any]) -> int | None:
    """Return the port of the pods behind a port of a Service; None where its name is that of none."""
    target = port.get("targetPort", port.get("port"))
    return target if isinstance(target, int) else next((each[1] for each in pods.ports if each[0] == target), None)


def _labels(labels: Mapping[str, Mapping[str, Any]], namespace: str) -> Mapping[str, Any]:
    return labels.get(namespace, {NAMESPACE_NAME: namespace})


def _named(isolation: Isolation) -> str:
    own = [each for each in isolation.policies if mapping(each.value, "spec", "podSelector")]
    return str((own or list(isolation.policies))[0])
