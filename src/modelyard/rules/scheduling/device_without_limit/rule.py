"""Devices that are requested without a limit."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error, to_set
from modelyard.rules import rule
from modelyard.view import ACCELERATORS, Environment, mapping


@rule("scheduling/device-without-limit", error, since="0.1.0")
def device_without_limit(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Kubernetes rejects a device request without a limit."""
    for workload in environment.workloads:
        for container in workload.containers:
            limits = mapping(container.value, "resources", "limits")
            requests = mapping(container.value, "resources", "requests")
            for resource in ACCELERATORS:
                if resource in requests and resource not in limits:
                    yield Finding(
                        at=container.at("resources", "requests", resource),
                        message=f"{container} requests {requests[resource]} {resource} but has no limit for it",
                        fix=f'set resources.limits.{resource} to "{requests[resource]}"; the request defaults to it',
                        edits=(to_set(container.at("resources", "limits", resource), str(requests[resource])),),
                    )
