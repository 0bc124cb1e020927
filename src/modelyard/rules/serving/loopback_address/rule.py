"""Addresses under which nobody else finds a process."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import (
    Container,
    Environment,
    Workload,
    declared_settings,
    entries,
    listener,
    mapping,
    services_by_template,
    text,
)

_LEADER = ("master-addr", "data-parallel-address")
_OWN = ("VLLM_HOST_IP", "VLLM_DP_MASTER_IP", "MASTER_ADDR")
_RAY = ("dashboard-host", "node-ip-address")


@rule("serving/loopback-address", error, since="0.1.0")
def loopback_address(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Probes, Services and other ranks cannot reach a loopback address."""
    services = services_by_template(environment)
    for model in environment.models:
        server = listener(model)
        reached = "readinessProbe" in model.container.value or services.get(model.template)
        if server is not None and reached and _is_loopback(server.host):
            yield Finding(
                at=server.settings.at(server.server.host_flag),
                message=f"{model.name} listens on {server.host}, which probes and Services cannot reach",
                fix="set it to 0.0.0.0, or remove the host",
            )
        yield from _in_group(model.workload)
        yield from _in_ray(model.workload)


def _in_group(workload: Workload) -> Iterator[Finding]:
    if workload.group_size < 2:
        return
    for container in workload.containers:
        if not container.init:
            yield from _given_out(workload, container)


def _given_out(workload: Workload, container: Container) -> Iterator[Finding]:
    settings = declared_settings(container, ())
    for name in _LEADER:
        if _is_loopback(str(settings.get(name) or "")):
            yield Finding(
                at=settings.at(name),
                message=f"{container} has the leader address {settings[name]}, which is the pod itself",
                fix="write $(LWS_LEADER_ADDRESS)",
            )
    for index, variable in enumerate(entries(container.value, "env")):
        if text(variable, "name") in _OWN and _is_loopback(text(variable, "value")):
            yield Finding(
                at=container.at("env", index, "value"),
                message=f"{container} advertises {text(variable, 'name')}={text(variable, 'value')} to ranks in "
                f"other pods of {workload}",
                fix="use status.podIP, or LWS_LEADER_ADDRESS for the leader's address",
            )


def _in_ray(workload: Workload) -> Iterator[Finding]:
    for template in workload.templates if workload.manifest.group == "ray.io" else ():
        path = (*template.path[:-1], "rayStartParams")
        parameters = mapping(workload.manifest.get(path))
        for name in _RAY:
            if _is_loopback(text(parameters, name)):
                yield Finding(
                    at=workload.manifest.at((*path, name)),
                    message=f"Ray of {workload} has {name} {parameters[name]}, which the operator and the other "
                    "pods cannot reach",
                    fix="set it to 0.0.0.0" if name == "dashboard-host" else "remove it",
                )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
