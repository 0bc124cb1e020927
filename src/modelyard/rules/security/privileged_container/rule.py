"""Pods that take part in the node's own business."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from modelyard.findings import Finding, NotChecked, error, to_remove, warning
from modelyard.rules import rule
from modelyard.view import Container, Environment, PodTemplate

_OF_NODES = ("DaemonSet",)
_NEEDLESS, _RIGHTS = "a GPU does not need", "gives it the privileges of the node"
_HOST = ("hostNetwork", "hostPID", "hostIPC")


@rule("security/privileged-container", error, since="0.1.0")
def privileged_container(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Anyone who exploits an engine with node-level privileges gets control of the node."""
    for workload in environment.own_workloads:
        if workload.kind in _OF_NODES:
            continue
        for template in workload.templates:
            has_devices = bool(template.accelerators)
            found = [*_pod(template)]
            for container in template.containers:
                found += _container(container, has_devices)
            # What needs the node's rights is for its owners to say, and keeps nothing from starting.
            yield from found if environment.is_generated else (replace(each, severity=warning) for each in found)


def _pod(template: PodTemplate) -> Iterator[Finding]:
    for field in _HOST:
        if template.spec.get(field) is True:
            yield Finding(
                at=template.at(field),
                message=f"{template} have {field}: true, which shares the node's namespace",
                fix=f"remove {field}",
                edits=(to_remove(template.at(field)),),
            )
    volumes = template.spec.get("volumes")
    for index, volume in enumerate(volumes if isinstance(volumes, list) else ()):
        path = volume.get("hostPath") if isinstance(volume, dict) else None
        if isinstance(path, dict):
            yield Finding(
                at=template.at("volumes", index, "hostPath", key=True),
                message=f"{template} mount {path.get('path')} of the node",
                fix="use an emptyDir, a PVC or object storage",
            )


def _container(container: Container, has_devices: bool) -> Iterator[Finding]:
    context: Any = container.value.get("securityContext")
    if not isinstance(context, dict):
        return
    if context.get("privileged") is True:
        yield Finding(
            at=container.at("securityContext", "privileged"),
            message=f"{container} is privileged, which {_NEEDLESS if has_devices else _RIGHTS}",
            fix="remove it; the device plugin gives the container its devices" if has_devices else "remove it",
            edits=(to_remove(container.at("securityContext", "privileged")),),
        )
    capabilities = context.get("capabilities")
    added = capabilities.get("add") if isinstance(capabilities, dict) else None
    for index, name in enumerate(added if isinstance(added, list) else ()):
        if name not in ("NET_BIND_SERVICE", "IPC_LOCK"):
            yield Finding(
                at=container.at("securityContext", "capabilities", "add", index),
                message=f"{container} has the capability {name}",
                fix="remove it",
                edits=(to_remove(container.at("securityContext", "capabilities", "add", index)),),
            )
