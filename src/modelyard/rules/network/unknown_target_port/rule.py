"""Services of ports that their pods do not have."""

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment


@rule("network/unknown-target-port", error, since="0.1.0")
def unknown_target_port(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A targetPort name that no pod declares gives no endpoints; a number without a listener refuses connections."""
    for service in environment.services:
        declared = [port for template in service.pods for port in template.ports]
        for index, port in enumerate(service.ports if service.pods else ()):
            target = port.get("targetPort", port.get("port"))
            if _is_there(target, declared):
                continue
            if not environment.is_generated and str(target).isdigit():
                reason = f"{service.pods[0]} do not declare port {target}, but may still listen on it"
                yield NotChecked(f"port {target} of {service}", reason, application=service.manifest.application)
                continue
            field = "targetPort" if "targetPort" in port else "port"
            yield Finding(
                at=service.manifest.at(("spec", "ports", index, field)),
                message=f"{service} has targetPort {target}, which {service.pods[0]} do not declare",
                fix=f"use {one_of({name or str(number) for name, number, _ in declared})}",
            )


def _is_there(target: Any, declared: list[tuple[str, int, str]]) -> bool:
    """Return whether a port is declared; numbers may be listened on without that, where pods declare none at all."""
    if isinstance(target, str) and not target.isdigit():
        return any(target == name for name, _, _ in declared)
    return not declared or any(str(target) == str(number) for _, number, _ in declared)
