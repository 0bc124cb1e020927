"""Pods that are told to speak EFA and have no interface of it."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, numbered, text

_DEVICE = "vpc.amazonaws.com/efa"


@rule("devices/missing-efa-interface", error, since="0.1.0")
def missing_efa_interface(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Libfabric finds no EFA in a container that asked for none: ranks stop at start, or fall back to TCP."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            for container in template.containers:
                if container.requested(_DEVICE) is not None:
                    continue
                for index, variable in numbered(container.value, "env"):
                    if text(variable, "name") == "FI_PROVIDER" and text(variable, "value") == "efa":
                        yield Finding(
                            at=container.manifest.at((*container.path, "env", index, "value")),
                            message=f"{container.name} of {template} is told to use EFA and does not ask for {_DEVICE}",
                            fix=f"add {_DEVICE} to resources.limits, with the interfaces of the instance type",
                        )
