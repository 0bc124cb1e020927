"""Pods that choose nodes whose taints they do not tolerate."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both, either
from modelyard.view import Environment, PodTemplate, Pool, Taint, admits, alternatives, selected_pools, tolerates

# Labels that Karpenter and EKS Auto Mode put on nodes with devices, which a pool need not name.
_LABELS = {
    "eks.amazonaws.com/instance-accelerator-": "aws.amazon.com/neuron",
    "eks.amazonaws.com/instance-gpu-": "nvidia.com/gpu",
    "karpenter.k8s.aws/instance-gpu-": "nvidia.com/gpu",
    "karpenter.k8s.aws/instance-accelerator-": "aws.amazon.com/neuron",
}
# Labels that say nothing of the pool that is meant.
# Taints of Kubernetes and EKS, which nodes get by themselves.
_OF_KUBERNETES = (
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "eks.amazonaws.com/",
    "CriticalAddonsOnly",
)
_OF_EVERY_NODE = frozenset({"kubernetes.io/os"})


@rule("scheduling/untolerated-pool", error, since="0.1.0", absence="cluster")
def untolerated_pool(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Karpenter starts no node for a pod that tolerates the taints of none of its possible pools."""
    for workload in environment.workloads:
        for template in workload.templates:
            pools = _meant(template, environment.pools)
            refusing = {pool.name: given for pool in pools if (given := _untolerated(template, pool))}
            if not pools or len(refusing) < len(pools):
                continue
            taints = {str(taint): taint for each in refusing.values() for taint in each}
            yield Finding(
                at=template.at("tolerations", *_useless(template, environment)),
                message=f"{template} can only run in node pool {either(sorted(refusing))}, "
                f"but do not tolerate {both(sorted(taints))}",
                fix="add the toleration " + " and ".join(_toleration(taint) for taint in list(taints.values())[:2]),
            )


def _meant(template: PodTemplate, pools: tuple[Pool, ...]) -> list[Pool]:
    """Return the pools that pods are bound to: those that they select, or that have the devices which they ask for."""
    selected = list(selected_pools(template, pools))
    labelled = _devices_of_labels(template, pools)
    if labelled:
        return [pool for pool in selected if labelled & _devices(pool)]
    if any(demand.key not in _OF_EVERY_NODE for group in alternatives(template) for demand in group):
        return selected if len(selected) < len(pools) else []
    wanted = set(template.accelerators)
    return [pool for pool in selected if wanted & _devices(pool)]


def _devices(pool: Pool) -> set[str]:
    return set(pool.limits) | {taint.key for taint in pool.taints}


def _devices_of_labels(template: PodTemplate, pools: tuple[Pool, ...]) -> set[str]:
    """Return the devices whose labels pods ask nodes for, in every alternative that some pool could meet."""
    found: set[str] = set()
    for group in alternatives(template):
        if not any(all(admits(pool, demand) for demand in group) for pool in pools):
            continue
        named = {
            device
            for demand in group
            for start, device in _LABELS.items()
            if demand.key.startswith(start) and demand.operator in ("In", "Exists", "Gt")
        }
        if not named:
            return set()
        found |= named
    return found


def _untolerated(template: PodTemplate, pool: Pool) -> list[Taint]:
    tolerations = template.spec.get("tolerations")
    given = [each for each in tolerations if isinstance(each, dict)] if isinstance(tolerations, list) else []
    return [taint for taint in pool.taints if taint.effect != "PreferNoSchedule" and not tolerates(given, taint)]


def _useless(template: PodTemplate, environment: Environment) -> tuple[int | str, ...]:
    """Return the toleration of a taint that no pool has, which is the one that is wrong; nothing where none is."""
    tainted = {taint.key for pool in environment.pools for taint in pool.taints}
    tolerations = template.spec.get("tolerations")
    for index, each in enumerate(tolerations if isinstance(tolerations, list) else ()):
        key = str(each.get("key") or "") if isinstance(each, dict) else ""
        if key and key not in tainted and not key.startswith(_OF_KUBERNETES):
            return index, "key"
    return ()


def _toleration(taint: Taint) -> str:
    value = f"operator: Equal, value: {taint.value}" if taint.value else "operator: Exists"
    return f"{{key: {taint.key}, {value}, effect: {taint.effect}}}"
