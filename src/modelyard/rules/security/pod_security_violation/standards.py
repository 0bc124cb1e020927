"""The Pod Security Standards, as Kubernetes 1.35 and 1.36 hold pods against them.

Read in policy/check_*.go of k8s.io/pod-security-admission v0.35.4 and v0.36.2: the newest form of each control.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.rendering import Path
from modelyard.view import listed, mapping, numbered

Objection = tuple[Path, str]

PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
LEVELS = (PRIVILEGED, BASELINE, RESTRICTED)

_BASELINE_CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    )
)
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_VOLUMES = frozenset(
    [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ]
)
_CONFINED = ("RuntimeDefault", "Localhost")
_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


def objections(level: str, spec: Mapping[str, Any], annotations: Mapping[str, Any]) -> Iterator[Objection]:
    """Yield what a level refuses of a pod: where it stands below the pod's spec, and what is wrong with it.

    Args:
        level: One of LEVELS; of another one nothing is said.
        spec: The pod's spec.
        annotations: The pod's annotations.
    """
    if level in (BASELINE, RESTRICTED):
        yield from _baseline_of_pod(spec, annotations)
        for path, container in _containers(spec):
            yield from _baseline_of_container(path, container)
            yield from _proc_mount(level, spec, path, container)
    if level == RESTRICTED:
        yield from _restricted_of_pod(spec)
        for path, container in _containers(spec):
            yield from _restricted_of_container(path, container, spec)


def _baseline_of_pod(spec: Mapping[str, Any], annotations: Mapping[str, Any]) -> Iterator[Objection]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field) is True:
            yield (field,), f"{field} shares the node's namespace"
    for index, volume in numbered(spec, "volumes"):
        if "hostPath" in volume:
            yield ("volumes", index, "hostPath"), f"volume {volume.get('name')} is a hostPath"
    for key, value in annotations.items():
        if str(key).startswith(_APPARMOR_ANNOTATION) and not _is_confined(str(value)):
            yield (), f"annotation {key} is {value}"
    context = mapping(spec, "securityContext")
    for index, each in numbered(context, "sysctls"):
        if each.get("name") not in _SYSCTLS:
            yield ("securityContext", "sysctls", index), f"sysctl {each.get('name')} is not a safe sysctl"
    yield from _contexts((), context)


def _baseline_of_container(path: Path, container: Mapping[str, Any]) -> Iterator[Objection]:
    name, context = container.get("name"), mapping(container, "securityContext")
    if context.get("privileged") is True:
        yield (*path, "securityContext", "privileged"), f"container {name} is privileged"
    for index, capability in enumerate(listed(context, "capabilities", "add")):
        if capability not in _BASELINE_CAPABILITIES:
            where = (*path, "securityContext", "capabilities", "add", index)
            yield where, f"container {name} has the capability {capability}"
    for index, port in numbered(container, "ports"):
        if port.get("hostPort") not in (None, 0):
            yield (*path, "ports", index, "hostPort"), f"container {name} uses hostPort {port['hostPort']}"
    yield from _contexts(path, context)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield from _hosts((*path, probe), mapping(container, probe), f"{probe} of container {name}")
    for hook in ("postStart", "preStop"):
        handler = mapping(container, "lifecycle", hook)
        yield from _hosts((*path, "lifecycle", hook), handler, f"{hook} of container {name}")


def _proc_mount(level: str, spec: Mapping[str, Any], path: Path, container: Mapping[str, Any]) -> Iterator[Objection]:
    found = mapping(container, "securityContext").get("procMount")
    allowed = level == BASELINE and _has_users_of_its_own(spec)
    if found not in (None, "", "Default") and not allowed:
        yield (*path, "securityContext", "procMount"), f"container {container.get('name')} has procMount {found}"


def _contexts(path: Path, context: Mapping[str, Any]) -> Iterator[Objection]:
    """Yield what a security context of a pod or of a container must not hold."""
    where = (*path, "securityContext")
    labels = mapping(context, "seLinuxOptions")
    if str(labels.get("type") or "") not in _SELINUX_TYPES:
        yield (*where, "seLinuxOptions", "type"), f"the SELinux type {labels['type']} is not allowed"
    for field in ("user", "role"):
        if labels.get(field):
            yield (*where, "seLinuxOptions", field), f"the SELinux {field} is set"
    for field in ("seccompProfile", "appArmorProfile"):
        kind = mapping(context, field).get("type")
        if kind is not None and kind not in _CONFINED:
            yield (*where, field, "type"), f"{field} is {kind}"
    if mapping(context, "windowsOptions").get("hostProcess") is True:
        yield (*where, "windowsOptions", "hostProcess"), "it is a host process"


def _hosts(path: Path, handler: Mapping[str, Any], name: str) -> Iterator[Objection]:
    for kind in ("httpGet", "tcpSocket"):
        if mapping(handler, kind).get("host"):
            yield (*path, kind, "host"), f"{name} calls another host"


def _restricted_of_pod(spec: Mapping[str, Any]) -> Iterator[Objection]:
    for index, volume in numbered(spec, "volumes"):
        kinds = set(volume) - {"name"}
        if "hostPath" not in kinds and not kinds & _VOLUMES:
            kind = next(iter(sorted(kinds)), "of an unknown type")
            yield ("volumes", index), f"volume {volume.get('name')} is {kind}, which is allowed only through a PVC"
    context = mapping(spec, "securityContext")
    if not _has_users_of_its_own(spec):
        if context.get("runAsNonRoot") is False:
            yield ("securityContext", "runAsNonRoot"), "runAsNonRoot is false"
        if context.get("runAsUser") == 0:
            yield ("securityContext", "runAsUser"), "it runs as user 0"


def _restricted_of_container(path: Path, container: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Objection]:
    name, own, pod = container.get("name"), mapping(container, "securityContext"), mapping(spec, "securityContext")
    where = (*path, "securityContext")
    if own.get("allowPrivilegeEscalation") is not False:
        yield (*where, "allowPrivilegeEscalation"), f"container {name} does not set allowPrivilegeEscalation: false"
    capabilities = mapping(own, "capabilities")
    if "ALL" not in listed(capabilities, "drop"):
        yield (*where, "capabilities", "drop"), f"container {name} does not drop the capability ALL"
    for index, capability in enumerate(listed(capabilities, "add")):
        if capability in _BASELINE_CAPABILITIES and capability != "NET_BIND_SERVICE":
            yield (*where, "capabilities", "add", index), f"container {name} has the capability {capability}"
    if not mapping(own, "seccompProfile").get("type") and mapping(pod, "seccompProfile").get("type") not in _CONFINED:
        yield ("securityContext", "seccompProfile"), f"container {name} has no seccompProfile, and neither has its pod"
    if _has_users_of_its_own(spec):
        return
    if own.get("runAsUser") == 0:
        yield (*where, "runAsUser"), f"container {name} runs as user 0"
    if own.get("runAsNonRoot") is False or (own.get("runAsNonRoot") is None and pod.get("runAsNonRoot") is not True):
        holder = ("securityContext",) if own.get("runAsNonRoot") is None else where
        yield (*holder, "runAsNonRoot"), f"container {name} does not set runAsNonRoot: true, and neither does its pod"


def _has_users_of_its_own(spec: Mapping[str, Any]) -> bool:
    """Whether the pod is in a user namespace, where root is not that of the node."""
    return spec.get("hostUsers") is False


def _is_confined(profile: str) -> bool:
    return profile in ("", "runtime/default") or profile.startswith("localhost/")


def _containers(spec: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for field in ("initContainers", "containers"):
        for index, container in numbered(spec, field):
            yield (field, index), container
