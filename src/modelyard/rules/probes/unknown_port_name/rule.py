"""Probes of ports that the container does not have."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment, entries, mapping, text

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_REQUESTS = ("httpGet", "tcpSocket")


@rule("probes/unknown-port-name", error, since="0.1.0")
def unknown_port_name(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A probe of a port name that the container does not declare always fails."""
    for workload in environment.own_workloads:
        for container in workload.containers:
            names = {text(port, "name") for port in entries(container.value, "ports")} - {""}
            for field in _PROBES:
                probe = mapping(container.value, field)
                for kind in _REQUESTS:
                    request = probe.get(kind)
                    port = request.get("port") if isinstance(request, dict) else None
                    if isinstance(port, str) and not port.isdigit() and port not in names:
                        yield Finding(
                            at=container.at(field, kind, "port"),
                            message=f"{field} of {container} uses port {port}, which the container does not declare",
                            fix=f"name {one_of(names)}"
                            if names
                            else "use the port number, or declare the name under ports",
                        )
