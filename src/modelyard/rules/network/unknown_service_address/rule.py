"""Addresses of Services that are not there, or that do not have the port."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, Manifest, Service, numbered, texts_in

_ADDRESS = re.compile(
    r"(?<![\w.-])([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)\.([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)\.svc(?:\.cluster\.local)?"
    r"(?::(\d{2,5}))?(?![\w-])"
)
_COMMENT = re.compile(r"^[ \t]*+(?:#|//).*$", re.MULTILINE)
# Services that an operator makes and no manifest shows, with their ports: prometheus-operator's, read in
# pkg/prometheus/server/statefulset.go and pkg/alertmanager/statefulset.go of prometheus-operator/prometheus-operator.
_OPERATED: Mapping[str, frozenset[int]] = {
    "prometheus-operated": frozenset({9090, 10901}),
    "alertmanager-operated": frozenset({9093, 9094}),
}
_OF_KUBERNETES = frozenset({"default", "kube-system"})
# Where addresses of Services stand, by kind; keys of AppProjects and the like only look alike.
_PLACES: Mapping[str, tuple[str, ...]] = {
    "ConfigMap": ("data",),
    "Service": ("spec",),
    "ScaledObject": ("spec",),
    "ScaledJob": ("spec",),
}


@rule("network/unknown-service-address", error, since="0.3.0", absence="object")
def unknown_service_address(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A call to a Service name, namespace or port that does not exist always fails."""
    services = {(each.namespace, each.name): each for each in environment.services}
    namespaces = {each.namespace for each in environment.applications} | {
        each.name for each in environment.of_kind("Namespace", "")
    }
    for manifest, path, written in _written(environment):
        for match in _ADDRESS.finditer(_COMMENT.sub("", written)) if ".svc" in written else ():
            found = _fault(environment, services, namespaces - {""}, match)
            if found is not None:
                yield Finding(at=manifest.at(path), message=f"{manifest} calls {match[0]}, {found[0]}", fix=found[1])
                break


def _written(environment: Environment) -> Iterator[tuple[Manifest, Path, str]]:
    for kind, fields in _PLACES.items():
        for manifest in environment.of_kind(kind):
            for field in fields if environment.is_ours(manifest) else ():
                yield from ((manifest, path, said) for path, said in texts_in(manifest.get((field,)), (field,)))
    for workload in environment.own_workloads:
        for template in workload.templates:
            for field in ("containers", "initContainers"):
                for index, container in numbered(template.spec, field):
                    told = {key: container.get(key) for key in ("args", "command", "env")}
                    base = (*template.spec_path, field, index)
                    yield from ((workload.manifest, path, said) for path, said in texts_in(told, base))


def _fault(
    environment: Environment, services: Mapping[tuple[str, str], Service], namespaces: set[str], match: re.Match[str]
) -> tuple[str, str] | None:
    """Return what is wrong with an address, and what to do; None for one that is right, or not known."""
    name, namespace, port = match[1], match[2], match[3]
    if namespace not in namespaces | _OF_KUBERNETES:
        near = nearest(namespace, namespaces, cutoff=0.7)
        return (f"but there is no namespace {namespace}", f"write {name}.{near}") if near else None
    service = services.get((namespace, name))
    if service is None:
        if name in _OPERATED:
            wrong = port and int(port) not in _OPERATED[name]
            return (f"which has no port {port}", f"write {min(_OPERATED[name])}") if wrong else None
        if environment.unrendered_in(namespace):
            return None
        elsewhere = sorted(space for space, called in services if called == name)
        known = [called for space, called in services if space == namespace]
        fix = f"write {name}.{elsewhere[0]}" if elsewhere else f"name {nearest(name, known) or one_of(known)}"
        return f"but namespace {namespace} has no Service {name}", fix if elsewhere or known else "add the Service"
    ports = service.answered_ports
    if not port or int(port) in ports or not ports or service.type == "ExternalName":
        return None
    right = one_of([str(each) for each in sorted(ports)])
    if service.is_headless:
        return f"but {service.manifest} is headless, and its pods listen on port {right} alone", f"write {right}"
    return f"but {service.manifest} has only port {right}", f"write {right}"
