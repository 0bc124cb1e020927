"""Paths that are asked, and that the engine does not serve."""

import re
from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import (
    Environment,
    Listener,
    ServedModel,
    Service,
    entries,
    listener,
    port_number,
    probes,
    selects,
    services_by_template,
    text,
)

# https://docs.ray.io/en/latest/serve/production-guide/best-practices.html: Serve's proxy answers at /-/healthz
_SERVE_PORT = 8000
_HEALTH = frozenset(
    {"/health", "/healthz", "/health/ready", "/ping", "/ready", "/readyz", "/livez", "/v2/health/ready"}
)
# https://github.com/kserve/open-inference-protocol: health of one model
_MODEL = re.compile(r"/v2/models/([^/]+)/")
_MONITORS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}


@rule("probes/unknown-path", error, since="0.1.0")
def unknown_path(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A probe of a path that the engine does not serve always fails; a scrape of it returns no metrics."""
    yield from _of_serve(environment)
    services = services_by_template(environment)
    for model in environment.models:
        yield from _of_named_model(model)
        server = listener(model)
        if server is None:
            continue
        container = model.container
        for field, kind, request in probes(container.value):
            if kind == "httpGet" and port_number(container.value, request.get("port")) == server.port:
                path = text(request, "path") or "/"
                at = container.at(field, kind, "path") if "path" in request else container.at(field, kind)
                yield from _judge(server, f"{field} of {model.name}", path, at)
        for service in services.get(model.template, []):
            yield from _scrapes(environment, server, service)


def _of_serve(environment: Environment) -> Iterator[Finding]:
    """Yield probes of Ray Serve's proxy by the health paths of other servers: it answers at its own alone."""
    for workload in environment.own_workloads:
        for container in workload.containers if workload.kind in ("RayService", "RayCluster") else ():
            for field, kind, request in probes(container.value):
                path = text(request, "path")
                serves = port_number(container.value, request.get("port")) == _SERVE_PORT
                if kind == "httpGet" and serves and path in _HEALTH:
                    yield Finding(
                        at=container.at(field, kind, "path"),
                        message=f"{field} of {container} asks {path}, which Ray Serve does not serve",
                        fix="ask /-/healthz",
                    )


def _of_named_model(model: ServedModel) -> Iterator[Finding]:
    """Yield probes of a model of the Open Inference Protocol by another name than its settings give it."""
    name = str(model.settings.get("name") or "")
    if model.engine.name != "mlserver" or not name:
        return
    for field, kind, request in probes(model.container.value):
        asked = _MODEL.match(text(request, "path")) if kind == "httpGet" else None
        if asked and asked[1] != name:
            path = text(request, "path")
            yield Finding(
                at=model.settings.at("name"),
                message=f"{model.name} is served as {name}, and {field} asks {path}, which answers 404",
                fix=f"remove name, or write {asked[1]}",
            )
            return


def _scrapes(environment: Environment, server: Listener, service: Service) -> Iterator[Finding]:
    asked = {
        text(port, "name")
        for port in service.ports
        if port_number(server.model.container.value, port.get("targetPort", port.get("port"))) == server.port
    }
    for monitor in server.model.application.resources:
        field = _MONITORS.get(monitor.kind, "")
        wanted = service.manifest.labels if monitor.kind == "ServiceMonitor" else server.model.template.labels
        if not field or not environment.is_ours(monitor) or not selects(monitor.mapping("spec.selector"), wanted):
            continue
        for index, endpoint in enumerate(entries(monitor.value, "spec", field)):
            path = text(endpoint, "path") or "/metrics"
            if text(endpoint, "port") not in asked or path.partition("?")[0] == server.server.metrics:
                continue
            yield Finding(
                at=monitor.at(("spec", field, index, "path")),
                message=f"{monitor} scrapes {path} of {server.model.name}, but {server.server.title} serves metrics "
                f"at {server.server.metrics}",
                fix=f"write {server.server.metrics}",
            )


def _judge(server: Listener, who: str, path: str, at: Address) -> Iterator[Finding]:
    known = server.server
    plain = path.partition("?")[0]
    guarded = known.key_below and (plain == known.key_below or plain.startswith(f"{known.key_below}/"))
    if guarded and _asks_for_a_key(server):
        yield Finding(
            at=at,
            message=f"{who} calls {path}, which returns 401 without the engine's API key",
            fix=f"use {_nearest(plain, known.paths)}",
        )
    elif plain not in known.paths | known.optional:
        yield Finding(
            at=at,
            message=f"{who} calls {path}, which {known.title} does not serve",
            fix=f"use {_nearest(plain, known.paths)}",
        )


def _nearest(path: str, paths: frozenset[str]) -> str:
    health = sorted(each for each in paths if each.startswith("/health"))
    return nearest(path, health) or health[0]


def _asks_for_a_key(server: Listener) -> bool:
    known = server.server
    variables = {text(each, "name") for each in entries(server.model.container.value, "env")}
    return bool(server.settings.get(known.key_flag)) or known.key_variable in variables
