"""Probes that speak another protocol than the engine."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Environment, listener, mapping, port_number, probes, text

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@rule("probes/scheme-mismatch", error, since="0.1.0")
def scheme_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A server with a certificate accepts only HTTPS, one without only HTTP; a probe with the other scheme fails."""
    for model in environment.models:
        server = listener(model)
        if server is None:
            continue
        spoken = "HTTPS" if server.tls else "HTTP"
        for field in _PROBES:
            request = mapping(model.container.value, field, "grpc")
            if port_number(model.container.value, request.get("port")) == server.port:
                yield Finding(
                    at=model.container.at(field, "grpc"),
                    message=f"{field} of {model.name} speaks gRPC, but {server.server.title} speaks {spoken}",
                    fix="ask by httpGet",
                )
        wrong = [
            field
            for field, kind, request in probes(model.container.value)
            if kind == "httpGet"
            and port_number(model.container.value, request.get("port")) == server.port
            and (text(request, "scheme") or "HTTP") != spoken
        ]
        if not wrong:
            continue
        asked = "HTTP" if server.tls else "HTTPS"
        flag = next((name for name in server.server.tls_flags if name in server.settings), "")
        yield Finding(
            at=server.settings.at(flag) if flag else model.container.at(wrong[0], "httpGet", "scheme"),
            message=f"{model.name} serves {spoken}, but {both(wrong)} {'use' if len(wrong) > 1 else 'uses'} {asked}",
            fix=f"set scheme: {spoken} in each httpGet",
        )
