"""Servers of one pod that are told to listen on the same port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, PodTemplate, ServedModel, numbered, text

# What an engine listens on, by the variable or flag that sets it, with the default: mlserver/settings.py of MLServer
# 1.7.1 (prefix MLSERVER_), and python/openai/openai_frontend/main.py of triton-inference-server/server.
_VARIABLES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {"mlserver": {"MLSERVER_HTTP_PORT": 8080, "MLSERVER_GRPC_PORT": 8081, "MLSERVER_METRICS_PORT": 8082}}
)
_FLAGS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {"triton": {"openai-port": 9000, "kserve-http-port": 8000, "kserve-grpc-port": 8001}}
)
_Heard = tuple[str, int, Address | None]


@rule("serving/port-taken", error, since="0.3.0")
def port_taken(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Containers of a pod share one network: the second server on a port cannot listen, and its process ends."""
    for model in environment.models:
        yield from _clashes(str(model.container), list(_of_engine(model)))
    for workload in environment.own_workloads:
        for template in workload.templates:
            yield from _clashes(str(template), list(_of_containers(template)))


def _clashes(who: str, heard: list[_Heard]) -> Iterator[Finding]:
    """Yield each port of two listeners, where the later one is written; of a pair of defaults nobody said anything."""
    by_port: dict[int, _Heard] = {}
    # What is a default comes first, so that the place is what somebody wrote.
    for name, port, at in sorted(heard, key=lambda each: each[2] is not None):
        first = by_port.setdefault(port, (name, port, at))
        if first[0] != name and at is not None:
            yield Finding(
                at=at,
                message=f"{who}: port {port} is to be that of {name} and of {first[0]}, and one process can have it",
                fix=f"give {name} a port of its own",
            )


def _of_engine(model: ServedModel) -> Iterator[_Heard]:
    written = {
        text(each, "name"): (str(each.get("value")), model.container.at("env", index, "value"))
        for index, each in numbered(model.container.value, "env")
        if each.get("value") is not None
    }
    for name, default in _VARIABLES.get(model.engine.name, {}).items():
        value, at = written.get(name, (str(default), None))
        if value.isdigit():
            yield name, int(value), at
    server = model.engine.server_settings(model.container, model.settings)
    for flag, default in _FLAGS.get(model.engine.name, {}).items():
        value = str(server.get(flag, default))
        if value.isdigit() and (flag in server or flag == next(iter(_FLAGS[model.engine.name]))):
            yield flag, int(value), server.at(flag) if flag in server else None


def _of_containers(template: PodTemplate) -> Iterator[_Heard]:
    for container in template.containers:
        if container.init and not container.sidecar:
            continue
        seen: set[int] = set()
        for index, port in numbered(container.value, "ports"):
            number = port.get("containerPort")
            if isinstance(number, int) and text(port, "protocol") in ("", "TCP") and number not in seen:
                seen.add(number)
                yield f"container {container.name}", number, container.at("ports", index, "containerPort")
