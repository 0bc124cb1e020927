"""Metrics of GPUs that name no pod."""

from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, to_add, to_set, warning
from modelyard.placement import plugin_configurations, sharing_of
from modelyard.rules import rule
from modelyard.view import Container, Environment, PodTemplate, entries, text

_SOCKET = "/var/lib/kubelet/pod-resources"
_SWITCH = "DCGM_EXPORTER_KUBERNETES"
_FOR_SHARES = "KUBERNETES_VIRTUAL_GPUS"


@rule("metrics/unattributed-devices", warning, since="0.1.0")
def unattributed_devices(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without the kubelet's pod-to-device mapping, GPU metrics do not show which model uses the GPU."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            for container in template.containers:
                if "dcgm-exporter" in container.image:
                    yield from _judge(template, container, environment)


def _judge(template: PodTemplate, container: Container, environment: Environment) -> Iterator[Finding]:
    switch = next((each for each in entries(container.value, "env") if text(each, "name") == _SWITCH), None)
    args = container.args
    if (switch is None or text(switch, "value").lower() != "true") and not {"-k", "--kubernetes"} & set(args):
        index = next((n for n, e in enumerate(entries(container.value, "env")) if e is switch), None)
        at: Address = container.at("env") if index is None else container.at("env", index, "value")
        yield Finding(
            at=at,
            message=f"{container} does not label its metrics with pods ({_SWITCH} is not true)",
            fix=f'set {_SWITCH} to "true"',
            edits=(to_set(at, "true") if index is not None else to_add(at, {"name": _SWITCH, "value": "true"}),),
        )
        return
    volumes = {text(each, "name") for each in entries(template.spec, "volumes") if _is_socket(each)}
    mounts = entries(container.value, "volumeMounts")
    if not any(text(each, "name") in volumes for each in mounts):
        yield Finding(
            at=container.at("volumeMounts", key=True),
            message=f"{container} does not mount {_SOCKET}, through which the kubelet reports the pod of each device",
            fix=f"mount the host's {_SOCKET}",
        )
        return
    named = any(text(each, "name") == _FOR_SHARES for each in entries(container.value, "env"))
    switched = {text(each, "name") for each in entries(container.value, "env") if text(each, "value").lower() == "true"}
    configurations = plugin_configurations(environment)
    shared = [pool.name for pool in environment.pools if sharing_of(pool, configurations).pods > 1]
    if shared and not {_FOR_SHARES, "--kubernetes-virtual-gpus"} & {*switched, *args}:
        yield Finding(
            at=container.at("env", key=True),
            message=f"{container} labels a shared GPU of pool {shared[0]} with only one of its pods, not "
            "always the same one",
            fix=f'set {_FOR_SHARES} to "true"',
            edits=(to_add(container.at("env"), {"name": _FOR_SHARES, "value": "true"}),) if not named else (),
        )


def _is_socket(volume: dict[str, object]) -> bool:
    host = volume.get("hostPath")
    return isinstance(host, dict) and str(host.get("path") or "").rstrip("/") == _SOCKET
