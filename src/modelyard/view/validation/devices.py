"""Claims of devices: pkg/apis/resource/validation/validation.go of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.rendering import Path
from modelyard.view.shapes import listed, mapping, numbered, text
from modelyard.view.validation.checks import Check, Refused, choice_of, distinct, needed, one_of, range_of, whole

_MOST_REQUESTS = 32
# Fields of `device` in an expression: the compiler of k8s.io/dynamic-resource-allocation/cel.
_DEVICE_FIELDS = frozenset({"allowMultipleAllocations", "attributes", "capacity", "driver"})
_DEVICE_FIELD = re.compile(r"\bdevice\s*\.\s*(?P<field>[A-Za-z_]\w*)")
_QUOTED = re.compile(r"'[^'\\\n]*'|\"[^\"\\\n]*\"")
_PAIRS = {")": "(", "]": "[", "}": "{"}
# A quantity is an object of CEL, which has methods, and of the operators equality alone.
_ORDERED_QUANTITY = re.compile(r"[<>]=?\s*quantity\s*\(|quantity\s*\([^()]*\)\s*[<>]")


def _claim(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _devices(mapping(value, "spec", "devices"), ("spec", "devices"))


def _claim_template(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _devices(mapping(value, "spec", "spec", "devices"), ("spec", "spec", "devices"))


def _devices(devices: dict[str, Any], at: Path) -> Iterator[Refused]:
    requests = listed(devices, "requests")
    if len(requests) > _MOST_REQUESTS:
        yield Refused((*at, "requests"), f"it has {len(requests)} requests, at most {_MOST_REQUESTS} are allowed")
    yield from distinct(devices, at, "requests", "name")
    known: set[str] = set()
    for index, request in numbered(devices, "requests"):
        here = (*at, "requests", index)
        name = text(request, "name")
        known.add(name)
        yield from needed(request, here, "name")
        yield from one_of(request, here, ("exactly", "firstAvailable"), f"request {name}")
        if isinstance(request.get("exactly"), dict):
            yield from _request(request["exactly"], (*here, "exactly"))
        yield from distinct(request, here, "firstAvailable", "name")
        for position, each in numbered(request, "firstAvailable"):
            known.add(f"{name}/{text(each, 'name')}")
            yield from needed(each, (*here, "firstAvailable", position), "name")
            yield from _request(each, (*here, "firstAvailable", position))
    for field in ("config", "constraints"):
        for index, each in numbered(devices, field):
            for position, asked in enumerate(listed(each, "requests")):
                if str(asked) not in known:
                    yield Refused(
                        (*at, field, index, "requests", position),
                        f"{field} is for request {asked}, which is not there",
                    )
    for index, each in numbered(devices, "constraints"):
        here = (*at, "constraints", index)
        yield from one_of(each, here, ("matchAttribute", "distinctAttribute"), "a constraint")
        for field in ("matchAttribute", "distinctAttribute"):
            name = text(each, field)
            if name and "/" not in name:
                yield Refused((*here, field), f"{field} is {name}, a name with its driver's domain is expected")
    for index, each in numbered(devices, "config"):
        if isinstance(each.get("opaque"), dict):
            yield from needed(each["opaque"], (*at, "config", index, "opaque"), "driver", "parameters")


def _request(request: dict[str, Any], at: Path) -> Iterator[Refused]:
    yield from needed(request, at, "deviceClassName")
    yield from choice_of(request, at, "allocationMode", ("ExactCount", "All"))
    if request.get("allocationMode") == "All":
        if whole(request.get("count")):
            yield Refused(
                (*at, "count"),
                f"count is {request['count']}, and allocationMode is All",
                "remove count, or write ExactCount",
            )
    else:
        yield from range_of(request, at, "count", 1)
    yield from _selectors(request, at)


def _device_class(value: dict[str, Any]) -> Iterator[Refused]:
    yield from _selectors(mapping(value, "spec"), ("spec",))


def _selectors(holder: dict[str, Any], at: Path) -> Iterator[Refused]:
    for index, each in numbered(holder, "selectors"):
        here = (*at, "selectors", index, "cel", "expression")
        written = text(each, "cel", "expression")
        if said := wrong_expression(written):
            yield Refused(here, said)


def wrong_expression(written: str) -> str:
    """Return why an expression about a device does not compile, as far as its words tell; empty otherwise."""
    bare = _QUOTED.sub("''", written)
    if not bare.strip():
        return "the expression is empty"
    for found in _DEVICE_FIELD.finditer(bare):
        if found["field"] not in _DEVICE_FIELDS:
            return f"the expression reads device.{found['field']}, a device has {', '.join(sorted(_DEVICE_FIELDS))}"
    stack: list[str] = []
    for letter in bare:
        if letter in _PAIRS.values():
            stack.append(letter)
        elif letter in _PAIRS and (not stack or stack.pop() != _PAIRS[letter]):
            return f"the expression closes {letter} that is not open"
    if stack:
        return f"the expression does not close {stack[-1]}"
    if _ORDERED_QUANTITY.search(bare):
        return "the expression orders a quantity by an operator, isGreaterThan, isLessThan or compareTo is expected"
    return ""


DEVICE_CHECKS: Mapping[tuple[str, str], Check] = {
    ("resource.k8s.io", "DeviceClass"): _device_class,
    ("resource.k8s.io", "ResourceClaim"): _claim,
    ("resource.k8s.io", "ResourceClaimTemplate"): _claim_template,
}
