"""Containers that run as root."""

from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Container, Environment, PodTemplate, mapping

# Agents of the node, whose work is the host.
_OF_NODES = ("DaemonSet",)


@rule("security/root-container", warning, since="0.1.0")
def root_container(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A process that escapes a container as root is root on the node; a restricted namespace rejects the pod."""
    for workload in environment.own_workloads:
        if workload.kind in _OF_NODES:
            continue
        for template in workload.templates:
            for container in template.containers:
                found = _root(template, container)
                if found:
                    yield Finding(
                        at=found[0],
                        message=f"{container} {found[1]}",
                        fix="set runAsNonRoot: true and a runAsUser other than 0 in the pod's securityContext",
                    )


def _root(template: PodTemplate, container: Container) -> tuple[Address, str] | None:
    own, pod = mapping(container.value, "securityContext"), mapping(template.spec, "securityContext")
    user, non_root = own.get("runAsUser", pod.get("runAsUser")), own.get("runAsNonRoot", pod.get("runAsNonRoot"))
    if user == 0:
        holder = container if "runAsUser" in own else template
        return holder.at("securityContext", "runAsUser"), "runs as user 0, which is root"
    if non_root is not True and user is None:
        return template.at("securityContext", "runAsNonRoot"), "may run as root: runAsNonRoot and runAsUser are not set"
    return None
