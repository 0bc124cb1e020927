"""Containers of pods: `validateContainers` in pkg/apis/core/validation/validation.go of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelyard.rendering import Path
from modelyard.view.quantities import quantity
from modelyard.view.shapes import listed, mapping, numbered, text
from modelyard.view.validation.checks import (
    HIGHEST_PORT,
    Refused,
    choice_of,
    distinct,
    is_label,
    is_port_name,
    needed,
    one_of,
    port_of,
    range_of,
    whole,
)

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_LIFECYCLE_HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")
_ENV_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")
_FIELDS = frozenset(
    {
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    }
)
_SUBSCRIPTED = re.compile(r"metadata\.(labels|annotations)\['[^']+'\]")
_RESOURCE_FIELDS = frozenset(
    f"{side}.{name}" for side in ("limits", "requests") for name in ("cpu", "memory", "ephemeral-storage")
)
_DIVISORS = frozenset({"0", "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"})
_CPU_DIVISORS = frozenset({"0", "1", "1m"})
_RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage"})


def containers(spec: dict[str, Any], at: Path, grace_seconds: int) -> Iterator[Refused]:
    """Yield what the API server refuses of a pod's containers.

    Args:
        spec: The pod's spec.
        at: Its path in the manifest.
        grace_seconds: The pod's termination grace period.
    """
    seen: set[str] = set()
    for field in ("initContainers", "containers"):
        for index, each in numbered(spec, field):
            here = (*at, field, index)
            name = text(each, "name")
            if not is_label(name):
                yield Refused((*here, "name"), f"a container is called {name or 'nothing'}, a DNS label is expected")
            elif name in seen:
                yield Refused((*here, "name"), f"a second container is called {name}")
            seen.add(name)
            is_init = field == "initContainers" and each.get("restartPolicy") != "Always"
            for refused in _container(each, here, grace_seconds, is_init=is_init):
                yield Refused(refused.path, f"container {name}: {refused.said}", refused.fix)


def _container(value: dict[str, Any], at: Path, grace_seconds: int, *, is_init: bool) -> Iterator[Refused]:
    if not value.get("image"):
        # A patch under another name leaves a container of a few fields; what else it lacks is the same mistake.
        yield from needed(value, at, "image")
        return
    yield from choice_of(value, at, "imagePullPolicy", ("Always", "IfNotPresent", "Never"))
    yield from choice_of(value, at, "terminationMessagePolicy", ("File", "FallbackToLogsOnError"))
    yield from _ports(value, at)
    yield from _env(value, at)
    yield from distinct(value, at, "resizePolicy", "resourceName")
    for index, policy in numbered(value, "resizePolicy"):
        yield from choice_of(policy, (*at, "resizePolicy", index), "resourceName", ("cpu", "memory"))
        yield from choice_of(policy, (*at, "resizePolicy", index), "restartPolicy", ("NotRequired", "RestartContainer"))
    yield from _mounts(value, at)
    yield from resources(mapping(value, "resources"), (*at, "resources"))
    yield from _security(mapping(value, "securityContext"), (*at, "securityContext"))
    for field in (*_PROBES, "lifecycle"):
        if is_init and value.get(field) is not None:
            yield Refused((*at, field), f"an init container has {field}, none is allowed")
    for field in _PROBES:
        if isinstance(value.get(field), dict):
            yield from _probe(value[field], (*at, field), field)
    for field in ("postStart", "preStop"):
        handler = mapping(value, "lifecycle").get(field)
        if isinstance(handler, dict):
            here = (*at, "lifecycle", field)
            yield from one_of(handler, here, _LIFECYCLE_HANDLERS, field)
            yield from _handler(handler, here)
            seconds = whole(mapping(handler, "sleep").get("seconds"))
            if seconds is not None and seconds > grace_seconds:
                yield Refused(
                    (*here, "sleep", "seconds"),
                    f"{field} sleeps {seconds} s, at most terminationGracePeriodSeconds ({grace_seconds}) is allowed",
                )


def _ports(value: dict[str, Any], at: Path) -> Iterator[Refused]:
    yield from distinct(value, at, "ports", "name")
    for index, port in numbered(value, "ports"):
        here = (*at, "ports", index)
        yield from range_of(port, here, "containerPort", 1, HIGHEST_PORT)
        yield from range_of(port, here, "hostPort", 0, HIGHEST_PORT)
        yield from choice_of(port, here, "protocol", ("TCP", "UDP", "SCTP"))
        name = port.get("name")
        if isinstance(name, str) and name and not is_port_name(name):
            yield Refused(
                (*here, "name"),
                f"a port is called {name}, at most 15 lower case letters, digits and hyphens are expected",
            )


def _env(value: dict[str, Any], at: Path) -> Iterator[Refused]:
    for index, each in numbered(value, "env"):
        here = (*at, "env", index)
        name = text(each, "name")
        if not name or "=" in name:
            yield Refused((*here, "name"), f"a variable is called {name or 'nothing'}, a name without = is expected")
        source = each.get("valueFrom")
        if not isinstance(source, dict):
            continue
        if each.get("value"):
            yield Refused((*here, "valueFrom"), f"variable {name} has both value and valueFrom", "keep one of them")
        yield from one_of(source, (*here, "valueFrom"), _ENV_SOURCES, f"valueFrom of {name}")
        path = text(source, "fieldRef", "fieldPath")
        if source.get("fieldRef") and path not in _FIELDS and not _SUBSCRIPTED.fullmatch(path):
            yield Refused(
                (*here, "valueFrom", "fieldRef", "fieldPath"),
                f"variable {name} takes {path or 'no field'}, one of {', '.join(sorted(_FIELDS))} is expected",
            )
        if isinstance(source.get("resourceFieldRef"), dict):
            yield from _resource_field(source["resourceFieldRef"], (*here, "valueFrom", "resourceFieldRef"), name)
        for kind in ("configMapKeyRef", "secretKeyRef"):
            if isinstance(source.get(kind), dict):
                yield from needed(source[kind], (*here, "valueFrom", kind), "name", "key")
    for index, each in numbered(value, "envFrom"):
        yield from one_of(each, (*at, "envFrom", index), ("configMapRef", "secretRef"), "an item of envFrom")


def _resource_field(source: dict[str, Any], at: Path, variable: str) -> Iterator[Refused]:
    """Yield what is wrong with an amount that a variable takes: `validateContainerResourceFieldSelector`."""
    field = text(source, "resource")
    if field not in _RESOURCE_FIELDS and not field.startswith(("limits.hugepages-", "requests.hugepages-")):
        expected = ", ".join(sorted(_RESOURCE_FIELDS))
        yield Refused(
            (*at, "resource"), f"variable {variable} takes {field or 'no resource'}, one of {expected} is expected"
        )
    divisor = source.get("divisor")
    is_cpu = field.endswith(".cpu")
    if divisor is not None and str(divisor) not in (_CPU_DIVISORS if is_cpu else _DIVISORS):
        expected = "1 or 1m" if is_cpu else "1 or one unit, such as 1Mi,"
        yield Refused((*at, "divisor"), f"variable {variable} divides by {divisor}, {expected} is expected")


def _mounts(value: dict[str, Any], at: Path) -> Iterator[Refused]:
    yield from distinct(value, at, "volumeMounts", "mountPath")
    for index, mount in numbered(value, "volumeMounts"):
        here = (*at, "volumeMounts", index)
        yield from needed(mount, here, "mountPath")
        if mount.get("subPath") and mount.get("subPathExpr"):
            yield Refused((*here, "subPathExpr"), "a mount has both subPath and subPathExpr", "keep one of them")
        yield from choice_of(mount, here, "mountPropagation", ("Bidirectional", "HostToContainer", "None"))
        if mount.get("mountPropagation") == "Bidirectional" and not mapping(value, "securityContext").get("privileged"):
            yield Refused((*here, "mountPropagation"), "mountPropagation Bidirectional needs a privileged container")
        if ":" in text(mount, "mountPath"):
            yield Refused((*here, "mountPath"), f"mountPath {text(mount, 'mountPath')} has a colon")
        for field in ("subPath", "subPathExpr"):
            path = text(mount, field)
            if path.startswith("/") or ".." in path.split("/"):
                yield Refused((*here, field), f"{field} is {path}, a path below the volume is expected")


def resources(value: dict[str, Any], at: Path) -> Iterator[Refused]:
    """Yield what is wrong with requests and limits: `ValidateContainerResourceRequirements`.

    Devices are left to the rules that know them.
    """
    limits = mapping(value, "limits")
    for field in ("requests", "limits"):
        for name, amount in mapping(value, field).items():
            if "/" not in name and name not in _RESOURCES and not name.startswith("hugepages-"):
                expected = ", ".join(sorted(_RESOURCES))
                yield Refused((*at, field, name), f"{field} has {name}, {expected} or a name with a domain is expected")
            number = quantity(amount)
            if number is None:
                continue
            if number < 0:
                yield Refused((*at, field, name), f"{field} has {name} {amount}, which is below zero")
            limit = quantity(limits.get(name)) if field == "requests" and "/" not in name else None
            if limit is not None and number > limit:
                yield Refused(
                    (*at, field, name),
                    f"it requests {name} {amount}, more than its limit {limits[name]}",
                    f"raise limits.{name} or lower requests.{name}",
                )


def _security(value: dict[str, Any], at: Path) -> Iterator[Refused]:
    yield from range_of(value, at, "runAsUser", 0)
    yield from range_of(value, at, "runAsGroup", 0)
    if value.get("allowPrivilegeEscalation") is False:
        if value.get("privileged") is True:
            yield Refused((*at, "allowPrivilegeEscalation"), "a privileged container forbids privilege escalation")
        if "CAP_SYS_ADMIN" in listed(value, "capabilities", "add"):  # under its short name the server takes it
            yield Refused((*at, "allowPrivilegeEscalation"), "a container with CAP_SYS_ADMIN forbids escalation")
    yield from profiles(value, at)


def profiles(value: dict[str, Any], at: Path) -> Iterator[Refused]:
    """Yield what is wrong with the profiles of a security context, which pods and containers have."""
    for field in ("seccompProfile", "appArmorProfile"):
        profile = mapping(value, field)
        yield from choice_of(profile, (*at, field), "type", ("RuntimeDefault", "Unconfined", "Localhost"))
        if (profile.get("type") == "Localhost") != bool(profile.get("localhostProfile")) and profile:
            yield Refused((*at, field), f"localhostProfile of {field} goes with type Localhost, and with no other")


def _probe(probe: dict[str, Any], at: Path, field: str) -> Iterator[Refused]:
    yield from one_of(probe, at, _PROBE_HANDLERS, field)
    yield from _handler(probe, at)
    for number in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        yield from range_of(probe, at, number, 0)
    yield from range_of(probe, at, "terminationGracePeriodSeconds", 1)
    if field == "readinessProbe":
        if probe.get("terminationGracePeriodSeconds") is not None:
            yield Refused((*at, "terminationGracePeriodSeconds"), "a readinessProbe has terminationGracePeriodSeconds")
    elif probe.get("successThreshold") not in (None, 0, 1):
        yield Refused(
            (*at, "successThreshold"), f"successThreshold of {field} is {probe['successThreshold']}, 1 is expected"
        )


def _handler(handler: dict[str, Any], at: Path) -> Iterator[Refused]:
    if isinstance(handler.get("exec"), dict):
        yield from needed(handler["exec"], (*at, "exec"), "command")
    for kind in ("httpGet", "tcpSocket", "grpc"):
        yield from port_of(mapping(handler, kind), (*at, kind), "port", named=kind != "grpc")
    yield from choice_of(mapping(handler, "httpGet"), (*at, "httpGet"), "scheme", ("HTTP", "HTTPS"))
