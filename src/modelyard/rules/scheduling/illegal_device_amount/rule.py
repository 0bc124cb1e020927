"""Amounts of devices that Kubernetes does not hand out."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import ACCELERATORS, Environment, mapping, quantity


@rule("scheduling/illegal-device-amount", error, since="0.1.0")
def illegal_device_amount(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Kubernetes rejects fractions of devices, and device requests that differ from the limit."""
    for workload in environment.workloads:
        for container in workload.containers:
            limits = mapping(container.value, "resources", "limits")
            requests = mapping(container.value, "resources", "requests")
            for resource in ACCELERATORS:
                limit, request = quantity(limits.get(resource)), quantity(requests.get(resource))
                for name, amount in (("limits", limit), ("requests", request)):
                    if amount is not None and amount % 1:
                        yield Finding(
                            at=container.at("resources", name, resource),
                            message=f"{container} has {amount} {resource}, but devices are whole numbers",
                            fix="use 1; to share a device, configure sharing in the device plugin",
                        )
                if None not in (limit, request) and limit != request:
                    yield Finding(
                        at=container.at("resources", "requests", resource),
                        message=f"{container} requests {request} {resource} but has a limit of {limit}",
                        fix=f'remove the request, or set it to "{limit}"',
                    )
