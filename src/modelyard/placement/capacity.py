"""What a node of an instance type has, and what it leaves to pods.

The formulas are those of `pkg/providers/instancetype/types.go` and `compatibility/compatibility.go` of
github.com/aws/karpenter-provider-aws v1.14.1, on which Karpenter decides before a node exists. What the kubelet of a
real node reserves may differ; Karpenter replaces its guess at the memory by what it saw once one started.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from modelyard.catalog import InstanceType
from modelyard.placement.auto_mode import supported
from modelyard.placement.node_classes import AL2023, BOTTLEROCKET, KarpenterSettings, NodeClass
from modelyard.placement.resources import CPU, GIB, MEMORY, MIB, PODS, STORAGE, THOUSAND, Resources, amount, total

NVIDIA, AMD, GAUDI = "nvidia.com/gpu", "amd.com/gpu", "habana.ai/gaudi"
NEURON, NEURON_CORE = "aws.amazon.com/neuron", "aws.amazon.com/neuroncore"
EFA, POD_ENI = "vpc.amazonaws.com/efa", "vpc.amazonaws.com/pod-eni"
EXOTIC = (NVIDIA, AMD, GAUDI, NEURON, NEURON_CORE)
"""Resources whose types Karpenter starts only for pods that ask for them, or where nothing else is to be had."""

_GPU_RESOURCE = {"NVIDIA": NVIDIA, "AMD": AMD, "Habana": GAUDI}
_CPU_RESERVED = ((0, 1000, 0.06), (1000, 2000, 0.01), (2000, 4000, 0.005), (4000, 1 << 31, 0.0025))


def capacity(kind: InstanceType, node_class: NodeClass, settings: KarpenterSettings) -> Resources:
    """Return everything that a node of a type has, as Karpenter counts it."""
    found = {
        CPU: kind.vcpus * THOUSAND,
        MEMORY: memory(kind, settings.vm_memory_overhead) * THOUSAND,
        STORAGE: _storage(kind, node_class),
        PODS: pods(kind, node_class, settings) * THOUSAND,
        POD_ENI: kind.branch_enis * THOUSAND,
        EFA: _efa(kind, node_class) * THOUSAND,
        **dict.fromkeys(EXOTIC, 0),
    }
    for device in kind.accelerators:
        # The whole devices that EC2 reports: 0 for a share of one, which Karpenter therefore never starts for a pod.
        if device.kind == "gpu" and device.manufacturer in _GPU_RESOURCE:
            found[_GPU_RESOURCE[device.manufacturer]] += device.count * THOUSAND
        if device.kind == "neuron":
            found[NEURON] += device.count * THOUSAND
            found[NEURON_CORE] += device.count * (device.cores_per_device or 0) * THOUSAND
    return found


def allocatable(kind: InstanceType, node_class: NodeClass, settings: KarpenterSettings) -> Resources:
    """Return what a node of a type leaves to pods, DaemonSets included."""
    has = capacity(kind, node_class, settings)
    reserved = total((kube_reserved(kind, node_class, settings), node_class.system_reserved, eviction(has, node_class)))
    return {name: value - reserved.get(name, 0) for name, value in has.items()}


def memory(kind: InstanceType, overhead: float) -> int:
    """Return the bytes of memory that a node is taken to have.

    Nominal memory, less 64 MiB on Graviton, less the virtual machine's part, rounded up to a MiB.
    """
    nominal = (kind.memory_mib - (64 if kind.architecture == "arm64" else 0)) * MIB
    return nominal - math.ceil(float(nominal) * overhead / 1024 / 1024) * MIB


def pods(kind: InstanceType, node_class: NodeClass, settings: KarpenterSettings) -> int:
    """Return how many pods a node takes: `maxPods`, else what its network interfaces have addresses for.

    With prefix delegation in the VPC CNI a node has more addresses than this; Karpenter does not know of it, so
    `maxPods` has to say it.
    """
    if node_class.max_pods is not None:
        count = node_class.max_pods
    else:
        count = addressable_pods(kind, node_class, settings.reserved_enis)
    if node_class.pods_per_core and node_class.ami_family != BOTTLEROCKET:
        count = min(count, node_class.pods_per_core * kind.vcpus)
    return count


def addressable_pods(kind: InstanceType, node_class: NodeClass, reserved_enis: int = 0) -> int:
    """Return the pods that a node has IPv4 addresses for.

    Interfaces of the default network card times (addresses of one, less 1), plus 2; an EFA-only interface on that card
    has no address.
    """
    efa_only = sum(1 for card, _, name in node_class.network_interfaces or () if card == 0 and name == "efa-only")
    usable = max(kind.default_card_enis - reserved_enis - efa_only, 0)
    return usable * (kind.ipv4_per_eni - 1) + 2 if usable else 0


def kube_reserved(kind: InstanceType, node_class: NodeClass, settings: KarpenterSettings) -> Resources:
    """Return what is kept for the kubelet and the container runtime.

    Memory 11 MiB for each pod and 255 MiB, disk 1 GiB, CPU 6 % of the first core, 1 % of the second, 0.5 % of the third
    and fourth, 0.25 % of the rest. Bottlerocket counts the pods that may run, others those that addresses allow.
    """
    counted = (
        pods(kind, node_class, settings)
        if node_class.ami_family == BOTTLEROCKET
        else addressable_pods(kind, node_class)
    )
    milli = kind.vcpus * 1000
    cpu = sum(int((min(milli, end) - start) * part) for start, end, part in _CPU_RESERVED if milli >= start)
    found = {CPU: cpu, MEMORY: (11 * counted + 255) * MIB * THOUSAND, STORAGE: GIB * THOUSAND}
    return {**found, **node_class.kube_reserved}


def eviction(has: Resources, node_class: NodeClass) -> Resources:
    """Return what must stay free: 100 MiB of memory and a tenth of the disk, or what `evictionHard` says."""
    found = {MEMORY: 100 * MIB * THOUSAND, STORAGE: math.ceil(has[STORAGE] / THOUSAND / 100 * 10) * THOUSAND}
    for signal, name in (("memory.available", MEMORY), ("nodefs.available", STORAGE)):
        threshold = _threshold(node_class.eviction_hard, signal, has[name])
        if threshold is not None:
            found[name] = threshold
    return found


def impossible(kind: InstanceType, node_class: NodeClass) -> str:
    """Return why a node class starts no node of a type; empty where it does."""
    if node_class.auto_mode and not supported(kind):
        return "EKS Auto Mode does not start it"
    if node_class.ami_family == AL2023 and kind.family == "a1":
        return "Amazon Linux 2023 does not run on a1"
    if node_class.connection_tracking and kind.hypervisor != "nitro":
        return "connection tracking needs the Nitro hypervisor"
    interfaces = node_class.network_interfaces
    if not interfaces:
        return ""
    efa_only = sum(1 for _, _, name in interfaces if name == "efa-only")
    if efa_only > kind.efa_interfaces:
        return f"{efa_only} EFA interfaces are configured, and it has {kind.efa_interfaces}"
    for card, device, _ in interfaces:
        if card >= kind.network_cards:
            return f"network card {card} is configured, and it has {kind.network_cards}"
        if card == 0 and device >= kind.default_card_enis:
            return f"interface {device} is configured on a card that has {kind.default_card_enis}"
    return ""


def _storage(kind: InstanceType, node_class: NodeClass) -> int:
    if node_class.raid0 and kind.instance_store is not None:
        store = kind.instance_store.gb * 10**9 * THOUSAND
        # In Auto Mode smaller disks are left to workloads that mount them.
        return max(store, node_class.pod_volume) if node_class.auto_mode else store
    return node_class.pod_volume


def _efa(kind: InstanceType, node_class: NodeClass) -> int:
    if node_class.network_interfaces is None:
        return kind.efa_interfaces
    return sum(1 for _, _, name in node_class.network_interfaces if name == "efa-only")


def _threshold(signals: Mapping[str, str], signal: str, has: int) -> int | None:
    if signal not in signals:
        return None
    value = signals[signal].strip()
    if not value.endswith("%"):
        return amount(value)
    try:
        percent = float(value.strip("%"))
    except ValueError:
        return None
    # 100 % switches the threshold off.
    return 0 if percent == 100 else math.ceil(has / THOUSAND / 100 * percent) * THOUSAND
