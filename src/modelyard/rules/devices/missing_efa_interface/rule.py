"""Pods that are told to speak EFA and have no interface of it."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, numbered, text

_DEVICE = "vpc.amazonaws.com/efa"


@rule("devices/missing-efa-interface", error, since="0.1.0")
def missing_efa_interface(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without an EFA request, the container has no EFA device: ranks exit at start-up or fall back to TCP."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            for container in template.containers:
                if container.requested(_DEVICE) is not None:
                    continue
                for index, variable in numbered(container.value, "env"):
                    if text(variable, "name") == "FI_PROVIDER" and text(variable, "value") == "efa":
                        yield Finding(
                            at=container.manifest.at((*container.path, "env", index, "value")),
                            message=f"{container.name} of {template} is configured for EFA but does not "
                            f"request {_DEVICE}",
                            fix=f"add {_DEVICE} to resources.limits, with the number of EFA interfaces of the "
                            "instance type",
                        )
