"""List items that share the key by which Kubernetes tells them apart."""

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Container, Environment, PodTemplate


@rule("kustomize/duplicate-list-key", error, since="0.1.0")
def duplicate_list_key(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Of two variables with the same name the last wins; Kubernetes rejects duplicate volumes and mounts."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            yield from _twice(template.spec, "volumes", ("name",), template)
            yield from _twice(template.spec, "containers", ("name",), template)
            yield from _twice(template.spec, "initContainers", ("name",), template)
            for container in template.containers:
                yield from _twice(container.value, "env", ("name",), container)
                yield from _twice(container.value, "volumeMounts", ("mountPath",), container)
                yield from _twice(container.value, "ports", ("containerPort", "protocol"), container)
                yield from _twice(container.value, "ports", ("name",), container)


def _twice(
    holder: dict[str, Any], field: str, keys: tuple[str, ...], owner: Container | PodTemplate
) -> Iterator[Finding]:
    seen: dict[tuple[str, ...], int] = {}
    items = holder.get(field)
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if not isinstance(item, dict) or item.get(keys[0]) in (None, ""):
            continue
        defaults = {"protocol": "TCP"}
        key = tuple(str(item.get(name) or defaults.get(name, "")) for name in keys)
        if key in seen:
            yield Finding(
                at=_address(owner, field, index, keys[0]),
                message=f"{field} of {owner} has two items with {keys[0]} {key[0]} (numbers {seen[key]} and {index})",
                fix="keep one of them; a feature that is listed twice adds its items twice",
            )
        else:
            seen[key] = index


def _address(owner: Container | PodTemplate, field: str, index: int, key: str) -> Address:
    return owner.at(field, index, key)
