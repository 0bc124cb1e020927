"""Specs of pods: `ValidatePodSpec` in pkg/apis/core/validation/validation.go of Kubernetes."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from modelyard.rendering import Path
from modelyard.view.shapes import listed, mapping, numbered, text
from modelyard.view.validation.checks import (
    Refused,
    choice_of,
    distinct,
    expression,
    is_label,
    is_qualified,
    is_subdomain,
    needed,
    range_of,
    selector,
    whole,
)
from modelyard.view.validation.containers import containers, profiles
from modelyard.view.validation.volumes import volumes

_NODE_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
_HIGHEST_WEIGHT = 100
_DEFAULT_GRACE_SECONDS = 30
_HIGHEST_ID = 2**31 - 1
_MOST_NAMESERVERS = 3
_MOST_SEARCHES = 32
_NODE = ("affinity", "nodeAffinity")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def pod_spec(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    """Yield what the API server refuses of a pod's spec, which stands at a path of its manifest."""
    grace = whole(spec.get("terminationGracePeriodSeconds"))
    yield from volumes(spec, at)
    yield from containers(spec, at, _DEFAULT_GRACE_SECONDS if grace is None else grace)
    yield from range_of(spec, at, "terminationGracePeriodSeconds", 0)
    yield from range_of(spec, at, "activeDeadlineSeconds", 1)
    for field in ("serviceAccountName", "priorityClassName", "runtimeClassName"):
        value = spec.get(field)
        if isinstance(value, str) and value and not is_subdomain(value):
            yield Refused(
                (*at, field), f"{field} is {value}, a name of lower case letters, digits, dots and hyphens is expected"
            )
    yield from choice_of(spec, at, "restartPolicy", ("Always", "OnFailure", "Never"))
    yield from choice_of(spec, at, "dnsPolicy", ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"))
    yield from choice_of(spec, at, "preemptionPolicy", ("Never", "PreemptLowerPriority"))
    if spec.get("dnsPolicy") == "None" and not listed(spec, "dnsConfig", "nameservers"):
        yield Refused((*at, "dnsPolicy"), "dnsPolicy None has no nameservers in dnsConfig")
    yield from _resolver(spec, at)
    yield from _security(spec, at)
    yield from _gates(spec, at)
    yield from _tolerations(spec, at)
    yield from _spread(spec, at)
    yield from _affinity(spec, at)
    yield from _claims(spec, at)


def _resolver(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    """Yield what is wrong with name resolution: `validatePodDNSConfig` and `ValidateHostAliases`."""
    here = (*at, "dnsConfig")
    for field, most in (("nameservers", _MOST_NAMESERVERS), ("searches", _MOST_SEARCHES)):
        amount = len(listed(spec, "dnsConfig", field))
        if amount > most:
            yield Refused((*here, field), f"dnsConfig has {amount} {field}, at most {most} are allowed")
    for index, each in enumerate(listed(spec, "dnsConfig", "nameservers")):
        if not _is_address(each):
            yield Refused((*here, "nameservers", index), f"nameservers has {each}, an IP address is expected")
    for index, option in numbered(spec, "dnsConfig", "options"):
        yield from needed(option, (*here, "options", index), "name")
    for index, alias in numbered(spec, "hostAliases"):
        if not _is_address(alias.get("ip")):
            yield Refused(
                (*at, "hostAliases", index, "ip"), f"ip of hostAliases is {alias.get('ip')}, an IP address is expected"
            )


def _is_address(value: Any) -> bool:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


def _security(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    """Yield what is wrong with the security context of all containers: `validatePodSpecSecurityContext`."""
    context, here = mapping(spec, "securityContext"), (*at, "securityContext")
    for field in ("runAsUser", "runAsGroup", "fsGroup"):
        yield from range_of(context, here, field, 0, _HIGHEST_ID)
    yield from choice_of(context, here, "fsGroupChangePolicy", ("Always", "OnRootMismatch"))
    yield from choice_of(context, here, "supplementalGroupsPolicy", ("Merge", "Strict"))
    yield from distinct(context, here, "sysctls", "name")
    yield from profiles(context, here)
    if spec.get("hostPID") and spec.get("shareProcessNamespace"):
        yield Refused((*at, "shareProcessNamespace"), "the pod has both hostPID and shareProcessNamespace")
    if not spec.get("hostNetwork"):
        return
    for index, container in numbered(spec, "containers"):
        for position, port in numbered(container, "ports"):
            if port.get("hostPort") and port["hostPort"] != port.get("containerPort"):
                yield Refused(
                    (*at, "containers", index, "ports", position, "hostPort"),
                    f"hostPort is {port['hostPort']}, containerPort ({port.get('containerPort')}) is expected with "
                    "hostNetwork",
                )


def _gates(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    for field, key in (("schedulingGates", "name"), ("readinessGates", "conditionType")):
        yield from distinct(spec, at, field, key)
        for index, gate in numbered(spec, field):
            if not is_qualified(text(gate, key)):
                told = text(gate, key) or "empty"
                yield Refused((*at, field, index, key), f"{key} of {field} is {told}, a label's key is expected")


def _tolerations(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    for index, each in numbered(spec, "tolerations"):
        here = (*at, "tolerations", index)
        operator = each.get("operator") or "Equal"
        yield from choice_of(each, here, "operator", ("Equal", "Exists"))
        yield from choice_of(each, here, "effect", ("NoSchedule", "PreferNoSchedule", "NoExecute"))
        if not each.get("key") and operator != "Exists":
            yield Refused((*here, "operator"), "a toleration without key has operator Equal, Exists is expected")
        if operator == "Exists" and each.get("value"):
            yield Refused(
                (*here, "value"), f"a toleration with operator Exists has value {each['value']}", "remove the value"
            )
        if each.get("tolerationSeconds") is not None and each.get("effect") in (
            None,
            "",
            "NoSchedule",
            "PreferNoSchedule",
        ):
            yield Refused((*here, "effect"), "a toleration with tolerationSeconds has not effect NoExecute")


def _spread(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    seen: set[tuple[str, str]] = set()
    for index, each in numbered(spec, "topologySpreadConstraints"):
        here = (*at, "topologySpreadConstraints", index)
        yield from needed(each, here, "topologyKey", "whenUnsatisfiable")
        yield from choice_of(each, here, "whenUnsatisfiable", ("DoNotSchedule", "ScheduleAnyway"))
        yield from range_of(each, here, "maxSkew", 1)
        yield from range_of(each, here, "minDomains", 1)
        if each.get("minDomains") is not None and each.get("whenUnsatisfiable") != "DoNotSchedule":
            yield Refused((*here, "minDomains"), "minDomains needs whenUnsatisfiable DoNotSchedule")
        pair = text(each, "topologyKey"), text(each, "whenUnsatisfiable")
        if pair in seen:
            yield Refused((*here, "topologyKey"), f"a second constraint spreads over {pair[0]} with {pair[1]}")
        seen.add(pair)
        yield from selector(each.get("labelSelector"), (*here, "labelSelector"))
        keys = listed(each, "matchLabelKeys")
        if keys and not each.get("labelSelector"):
            yield Refused((*here, "matchLabelKeys"), "matchLabelKeys needs a labelSelector")
        for position, key in enumerate(keys):
            if key in mapping(each, "labelSelector", "matchLabels"):
                yield Refused(
                    (*here, "matchLabelKeys", position), f"{key} is in matchLabelKeys and in the labelSelector"
                )


def _affinity(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    required = mapping(spec, *_NODE, _REQUIRED)
    if mapping(spec, *_NODE).get(_REQUIRED) is not None:
        yield from needed(required, (*at, *_NODE, _REQUIRED), "nodeSelectorTerms")
    for index, term in numbered(required, "nodeSelectorTerms"):
        yield from _node_term(term, (*at, *_NODE, _REQUIRED, "nodeSelectorTerms", index))
    for index, each in numbered(spec, *_NODE, _PREFERRED):
        here = (*at, *_NODE, _PREFERRED, index)
        yield from range_of(each, here, "weight", 1, _HIGHEST_WEIGHT)
        yield from _node_term(mapping(each, "preference"), (*here, "preference"))
    for kind in ("podAffinity", "podAntiAffinity"):
        above = ("affinity", kind)
        for index, term in numbered(spec, *above, _REQUIRED):
            yield from _pod_term(term, (*at, *above, _REQUIRED, index))
        for index, each in numbered(spec, *above, _PREFERRED):
            here = (*at, *above, _PREFERRED, index)
            yield from range_of(each, here, "weight", 1, _HIGHEST_WEIGHT)
            yield from _pod_term(mapping(each, "podAffinityTerm"), (*here, "podAffinityTerm"))


def _node_term(term: dict[str, Any], at: Path) -> Iterator[Refused]:
    for field in ("matchExpressions", "matchFields"):
        for index, each in numbered(term, field):
            yield from expression(each, (*at, field, index), _NODE_OPERATORS)


def _pod_term(term: dict[str, Any], at: Path) -> Iterator[Refused]:
    yield from needed(term, at, "topologyKey")
    yield from selector(term.get("labelSelector"), (*at, "labelSelector"))
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        if listed(term, field) and not term.get("labelSelector"):
            yield Refused((*at, field), f"{field} needs a labelSelector")


def _claims(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    """Yield what is wrong with claims of devices: `validatePodResourceClaims`."""
    yield from distinct(spec, at, "resourceClaims", "name")
    for index, each in numbered(spec, "resourceClaims"):
        here = (*at, "resourceClaims", index)
        if not is_label(text(each, "name")):
            yield Refused((*here, "name"), f"a claim is called {text(each, 'name')}, a DNS label is expected")
        named = [field for field in ("resourceClaimName", "resourceClaimTemplateName") if each.get(field)]
        if len(named) != 1:
            told = "both" if named else "neither"
            yield Refused(
                here, f"claim {text(each, 'name')} has {told} resourceClaimName and resourceClaimTemplateName"
            )
    known = {text(each, "name") for _, each in numbered(spec, "resourceClaims")}
    for field in ("initContainers", "containers"):
        for index, container in numbered(spec, field):
            for position, claim in numbered(container, "resources", "claims"):
                if text(claim, "name") not in known:
                    yield Refused(
                        (*at, field, index, "resources", "claims", position, "name"),
                        f"container {text(container, 'name')} names claim {text(claim, 'name')}, which is none of the "
                        "pod's resourceClaims",
                    )
