"""Where the server of an engine listens, and who asks it: probes, Services, and labels that a router reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from modelyard.catalog import Server, servers
from modelyard.findings import Address
from modelyard.repository import derived
from modelyard.view.settings import DeclaredSettings
from modelyard.view.shapes import entries, mapping, numbered, text
from modelyard.view.workloads import PodTemplate

if TYPE_CHECKING:
    from modelyard.view.environment import Environment
    from modelyard.view.models import ServedModel
    from modelyard.view.services import Service

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_MOST_DIGITS = 9
_OPENED = re.compile(r"(?:tcp://[^\s:/\"']{1,253}:|\"[a-z_]{0,40}port\"\s{0,3}:\s{0,3}\"?)([0-9]{1,5})(?![0-9])")
_KV_EVENTS = 5557
AIBRIX_PORT = "model.aibrix.ai/port"
"""Label of pods by which AIBrix's gateway finds the port of a model."""


@dataclass(frozen=True)
class Listener:
    """The server of one model's engine.

    Attributes:
        model: The model.
        server: What is known of the server.
        settings: Where its port and host are set.
        port: The port that it listens on.
        host: The address that it listens on; empty for all of them.
        tls: Whether it speaks HTTPS alone.
    """

    model: ServedModel
    server: Server
    settings: DeclaredSettings
    port: int
    host: str
    tls: bool

    @property
    def port_at(self) -> Address | None:
        """Return where the port is set; None where it is the default."""
        flag = self.server.port_flag
        return self.settings.at(flag) if flag in self.settings else None


@dataclass(frozen=True)
class Caller:
    """Who asks a server on a port.

    Attributes:
        name: In words, such as `readinessProbe`.
        port: The number of the port that it arrives at.
        at: Where that number is written.
        key: What two callers share whose number is written at one place.
    """

    name: str
    port: int
    at: Address
    key: tuple[object, ...]


def listener(model: ServedModel) -> Listener | None:
    """Return where a model's server listens; None where that is not known, as of a value that the kubelet puts in."""
    server = servers().get(model.engine.server)
    if server is None:
        return None
    settings = model.engine.server_settings(model.container, model.settings)
    if settings.problem or (server.socket_flag and settings.get(server.socket_flag)):
        return None
    if settings.get("headless"):
        return None
    port = _number(settings.get(server.port_flag, server.port))
    if port is None:
        return None  # the kubelet puts it in, or settings/wrong-type says what is wrong
    host = str(settings.get(server.host_flag) or "")
    return Listener(model, server, settings, port, host, any(settings.get(flag) for flag in server.tls_flags))


@derived
def services_by_template(environment: Environment) -> Mapping[PodTemplate, list[Service]]:
    """Return the Services in front of each pod template."""
    services: dict[PodTemplate, list[Service]] = {}
    for service in environment.services:
        for template in service.pods:
            services.setdefault(template, []).append(service)
    return services


def callers(model: ServedModel, services: list[Service]) -> Iterator[Caller]:
    """Yield who asks the engine's container of a model; ports that no container declares are left to other rules."""
    container = model.container
    own = {index: _number(port.get("containerPort")) for index, port in numbered(container.value, "ports")}
    names = {
        text(port, "name"): (index, number)
        for index, port in numbered(container.value, "ports")
        if text(port, "name") and (number := own[index]) is not None
    }
    declared = {number for _, number, _ in model.template.ports}
    for field, kind, request in probes(container.value):
        yield from _caller(model, names, field, request.get("port"), container.at(field, kind, "port"), (field,))
    opened = other_ports(model)
    for service in services:
        for index, port in enumerate(service.ports):
            which = "targetPort" if "targetPort" in port else "port"
            target = port.get(which)
            # A number of another container, or of none, is not the engine's.
            if _number(target) is not None and declared and _number(target) not in own.values():
                continue
            if port_number(container.value, target) in opened:
                continue
            at = service.manifest.at(("spec", "ports", index, which))
            yield from _caller(model, names, str(service), target, at, ("service", service.name, index))
    label = _number(model.template.labels.get(AIBRIX_PORT))
    if label is not None:
        at = model.template.manifest.at((*model.template.path, "metadata", "labels", AIBRIX_PORT))
        yield Caller(f"label {AIBRIX_PORT}", label, at, ("label",))


def other_ports(model: ServedModel) -> frozenset[int]:
    """Return the ports that an engine opens beside its API, as its own settings and variables say them.

    Events of the KV cache, KV blocks, ranks of data parallelism and the start of groups have ports of their own, which
    Services may name too. vLLM publishes events on 5557 where nothing else is said (vllm/config/kv_events.py, v0.11.0).
    """
    found: set[int] = set()
    server = servers().get(model.engine.server)
    for name, value in model.settings.items():
        if server is not None and name == server.port_flag:
            continue
        written = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
        if name.endswith("port"):
            found.update(filter(None, [_number(value)]))
        found.update(map(int, _OPENED.findall(written)))
        if name == "kv-events-config" and '"endpoint"' not in written:
            found.add(_KV_EVENTS)
    for variable in entries(model.container.value, "env"):
        number = _number(variable.get("value")) if text(variable, "name").endswith("_PORT") else None
        if number is not None:
            found.add(number)
    return frozenset(found)


def probes(container: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the probes of a container that open a connection: field, kind of request, and the request."""
    for field in PROBES:
        for kind in ("httpGet", "tcpSocket"):
            request = mapping(container, field, kind)
            if request:
                yield field, kind, request


def port_number(container: Mapping[str, Any], port: object) -> int | None:
    """Return the number that a name or number of a container's port stands for; None for one that it lacks."""
    number = _number(port)
    if number is not None:
        return number
    named = (_number(each.get("containerPort")) for each in entries(container, "ports") if text(each, "name") == port)
    return next((known for known in named if known is not None), None)


def _number(port: object) -> int | None:
    """Return a port that is written as a number, or as a text of one; None for anything else."""
    written = str(port)
    return int(written) if written.isdecimal() and len(written) <= _MOST_DIGITS else None


def _caller(
    model: ServedModel,
    names: Mapping[str, tuple[int, int]],
    name: str,
    port: object,
    at: Address,
    key: tuple[object, ...],
) -> Iterator[Caller]:
    number = _number(port)
    if number is not None:
        yield Caller(name, number, at, key)
    elif str(port) in names:
        index, declared = names[str(port)]
        yield Caller(name, declared, model.container.at("ports", index, "containerPort"), ("port", index))
