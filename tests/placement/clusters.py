"""Random clusters: pools, node classes, DaemonSets and pods, each decided by a seed alone.

Instance types are the catalogue's own. Prices are drawn so that no two are equal: among equals Karpenter takes any.
"""

from __future__ import annotations

import random
from typing import Any

from modelyard.catalog import InstanceType, instance_types

REGION = "us-west-2"
ZONES = [{"name": f"us-west-2{letter}", "id": f"usw2-az{number}"} for number, letter in enumerate("abcd", 1)]
FAMILIES = (
    "g4dn",
    "g5",
    "g6",
    "g6e",
    "p4d",
    "p5",
    "inf2",
    "trn1",
    "trn2",
    "c7i",
    "m7i",
    "r7i",
    "c7g",
    "m7g",
    "a1",
    "t3",
)
AWS = "karpenter.k8s.aws/"
DEVICES = ("nvidia.com/gpu", "aws.amazon.com/neuron")
GPU_TAINT = {"key": "nvidia.com/gpu", "effect": "NoSchedule"}
TEAM = "example.com/team"


def kinds() -> list[InstanceType]:
    """Return the instance types that cases draw from."""
    return [kind for kind in instance_types().values() if kind.family in FAMILIES]


def case(seed: int) -> dict[str, Any]:
    """Return a cluster and the pods that wait in it."""
    dice = random.Random(f"placement-{seed}")  # noqa: S311 - drawing test cases
    zones = ZONES[: dice.choice((1, 2, 3, 4))]
    return {
        "vmMemoryOverheadPercent": dice.choice((0.075, 0.075, 0.05)),
        "reservedENIs": dice.choice((0, 0, 0, 1)),
        "zones": zones,
        "offers": _offers(dice, [zone["name"] for zone in zones]),
        "nodeClasses": [_node_class(dice, f"class-{index}") for index in range(2)],
        "pools": [_pool(dice, f"pool-{index}", zones) for index in range(dice.choice((1, 2, 2, 3, 4)))],
        "daemonSets": [_daemon_set(dice, f"agent-{index}") for index in range(dice.choice((0, 1, 1, 2, 3)))],
        "pods": _pods(dice, zones),
        "storageClasses": [],
        "claims": [],
        "volumes": [],
        "describe": seed % 100 == 0,
        "runs": 3,
    }


def _offers(dice: random.Random, zones: list[str]) -> dict[str, Any]:
    families = dice.sample(FAMILIES, dice.randint(3, 9))
    names = [kind.name for kind in kinds() if kind.family in families]
    chosen = dice.sample(names, min(len(names), dice.randint(8, 60)))
    found = {}
    for rank, name in enumerate(chosen):
        price = 0.05 + rank * 0.37 + dice.random() * 0.3
        found[name] = {
            "zones": sorted(dice.sample(zones, dice.randint(1, len(zones)))),
            "onDemand": round(price, 6),
            "spot": round(price * (0.3 + 0.1 * dice.random()), 6) if dice.random() < 0.8 else None,
        }
    return found


def _node_class(dice: random.Random, name: str) -> dict[str, Any]:
    bottlerocket = dice.random() < 0.6
    device = "/dev/xvdb" if bottlerocket else "/dev/xvda"
    spec: dict[str, Any] = {
        "role": "nodes",
        "amiSelectorTerms": [{"alias": "bottlerocket@v1.64.0" if bottlerocket else "al2023@v20260601"}],
    }
    if dice.random() < 0.7:
        spec["blockDeviceMappings"] = [
            {"deviceName": device, "ebs": {"volumeSize": dice.choice(("50Gi", "100Gi", "200Gi"))}}
        ]
    if dice.random() < 0.4:
        spec["instanceStorePolicy"] = "RAID0"
    kubelet: dict[str, Any] = {}
    if dice.random() < 0.2:
        kubelet["maxPods"] = dice.choice((5, 30, 110))
    if dice.random() < 0.1:
        kubelet["podsPerCore"] = dice.choice((2, 10))
    if dice.random() < 0.15:
        kubelet["kubeReserved"] = {"cpu": "200m", "memory": "2Gi"}
    if dice.random() < 0.15:
        kubelet["systemReserved"] = {"memory": "1Gi", "ephemeral-storage": "3Gi"}
    if dice.random() < 0.2:
        kubelet["evictionHard"] = {
            "memory.available": dice.choice(("5%", "1Gi")),
            "nodefs.available": dice.choice(("12.5%", "10Gi")),
        }
    if kubelet:
        spec["kubelet"] = kubelet
    if dice.random() < 0.1:
        spec["networkInterfaces"] = [
            {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"},
            {"networkCardIndex": 0, "deviceIndex": 1, "interfaceType": "efa-only"},
        ]
    return {
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": name},
        "spec": spec,
    }


def _pool(dice: random.Random, name: str, zones: list[dict[str, str]]) -> dict[str, Any]:
    requirements = [_requirement(dice, zones, pool=True) for _ in range(dice.choice((0, 1, 1, 2, 3)))]
    node: dict[str, Any] = {
        "nodeClassRef": {
            "group": "karpenter.k8s.aws",
            "kind": "EC2NodeClass",
            "name": f"class-{dice.randrange(2)}",
        },
        "requirements": requirements,
    }
    taints = []
    if dice.random() < 0.35:
        taints.append(dict(GPU_TAINT))
    if dice.random() < 0.15:
        taints.append({"key": TEAM, "value": dice.choice(("blue", "red")), "effect": "NoExecute"})
    if dice.random() < 0.15:
        taints.append({"key": "example.com/rather-not", "value": "here", "effect": "PreferNoSchedule"})
    if taints:
        node["taints"] = taints
    labels = {TEAM: dice.choice(("blue", "red"))} if dice.random() < 0.3 else {}
    spec: dict[str, Any] = {"template": {"metadata": {"labels": labels}, "spec": node}}
    if dice.random() < 0.4:
        spec["weight"] = dice.randint(1, 100)
    if dice.random() < 0.4:
        limits = {
            "cpu": str(dice.choice((8, 64, 400))),
            "memory": dice.choice(("64Gi", "1Ti")),
            "nvidia.com/gpu": str(dice.choice((0, 2, 8))),
            "nodes": str(dice.choice((0, 3))),
        }
        kept = dice.sample(sorted(limits), dice.randint(1, 2))
        spec["limits"] = {key: limits[key] for key in sorted(kept)}
    return {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name}, "spec": spec}


def _requirement(dice: random.Random, zones: list[dict[str, str]], *, pool: bool = False) -> dict[str, Any]:
    names = [zone["name"] for zone in zones]
    kind = dice.randrange(12)
    some = dice.sample(FAMILIES, dice.randint(1, 5))
    operator = dice.choice(("In", "In", "In", "NotIn"))
    choices: list[dict[str, Any]] = [
        {"key": AWS + "instance-family", "operator": operator, "values": some},
        {
            "key": "karpenter.sh/capacity-type",
            "operator": "In",
            "values": dice.choice((["on-demand"], ["spot"], ["spot", "on-demand"])),
        },
        {"key": "kubernetes.io/arch", "operator": "In", "values": [dice.choice(("amd64", "amd64", "arm64"))]},
        {"key": "topology.kubernetes.io/zone", "operator": operator, "values": dice.sample([*names, "us-west-2z"], 1)},
        {
            "key": AWS + "instance-cpu",
            "operator": dice.choice(("Gt", "Lt", "Gte", "Lte") if pool else ("Gt", "Lt")),
            "values": [str(dice.choice((4, 8, 16, 48)))],
        },
        {
            "key": AWS + "instance-gpu-name",
            "operator": dice.choice(("In", "NotIn")),
            "values": dice.sample(["a10g", "l4", "l40s", "h100", "t4"], 2),
        },
        {"key": AWS + "instance-gpu-count", "operator": dice.choice(("Exists", "DoesNotExist")), "values": []},
        {"key": AWS + "instance-generation", "operator": "Gt", "values": [str(dice.choice((4, 5, 6)))]},
        {
            "key": AWS + "instance-size",
            "operator": operator,
            "values": dice.sample(["xlarge", "2xlarge", "12xlarge", "48xlarge"], 2),
        },
        {
            "key": AWS + "instance-category",
            "operator": operator,
            "values": dice.sample(["g", "p", "c", "m", "inf", "trn"], 3),
        },
        {"key": AWS + "instance-local-nvme", "operator": dice.choice(("Exists", "Gt")), "values": []},
        {"key": TEAM, "operator": dice.choice(("In", "NotIn", "Exists", "DoesNotExist")), "values": ["blue"]},
    ]
    chosen = choices[kind]
    if chosen["operator"] == "Gt" and not chosen["values"]:
        chosen["values"] = ["200"]
    if chosen["operator"] in ("Exists", "DoesNotExist"):
        chosen["values"] = []
    if pool and chosen["operator"] in ("In", "Exists") and dice.random() < 0.25:
        chosen["minValues"] = dice.choice((1, 2, 3))
        if chosen["operator"] == "In":
            chosen["minValues"] = min(chosen["minValues"], len(chosen["values"]))
    if not chosen["values"]:
        del chosen["values"]
    return chosen


def _resources(dice: random.Random, *, small: bool = False) -> dict[str, str]:
    if small:
        return {"cpu": dice.choice(("50m", "100m", "250m")), "memory": dice.choice(("64Mi", "200Mi", "1Gi"))}
    asked = {
        "cpu": dice.choice(("100m", "1", "2", "3500m", "3920m", "8", "40", "96")),
        "memory": dice.choice(("512Mi", "2Gi", "10Gi", "14Gi", "30Gi", "120Gi", "700Gi")),
    }
    if dice.random() < 0.3:
        asked["ephemeral-storage"] = dice.choice(("1Gi", "17Gi", "30Gi", "100Gi", "150Gi"))
    roll = dice.random()
    if roll < 0.5:
        asked["nvidia.com/gpu"] = str(dice.choice((1, 1, 2, 4, 8)))
    elif roll < 0.62:
        asked["aws.amazon.com/neuron"] = str(dice.choice((1, 2, 6, 16)))
    if dice.random() < 0.06:
        asked["vpc.amazonaws.com/efa"] = str(dice.choice((1, 4, 32)))
    return asked


def _container(dice: random.Random, name: str, *, small: bool = False) -> dict[str, Any]:
    asked = _resources(dice, small=small)
    container: dict[str, Any] = {"name": name, "image": "image", "resources": {"requests": asked}}
    if dice.random() < 0.05:
        container["ports"] = [{"containerPort": 9100, "hostPort": dice.choice((9100, 9400)), "protocol": "TCP"}]
    return container


def _tolerations(dice: random.Random) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if dice.random() < 0.7:
        found.append({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"})
    if dice.random() < 0.3:
        found.append({"key": TEAM, "operator": "Equal", "value": dice.choice(("blue", "red"))})
    if dice.random() < 0.1:
        found.append({"operator": "Exists"})
    return found


def _daemon_set(dice: random.Random, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "containers": [_container(dice, "agent", small=True)],
        "tolerations": [{"operator": "Exists"}] if dice.random() < 0.7 else _tolerations(dice),
    }
    if dice.random() < 0.3:
        spec["nodeSelector"] = {AWS + "instance-category": dice.choice(("g", "p", "m"))}
    elif dice.random() < 0.2:
        terms = [{"matchExpressions": [_requirement(dice, ZONES)]} for _ in range(2)]
        spec["affinity"] = {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
        },
    }


def _pods(dice: random.Random, zones: list[dict[str, str]]) -> list[dict[str, Any]]:
    found = []
    for workload in range(dice.choice((1, 1, 2, 3, 4))):
        name = f"model-{workload}"
        spec = _pod_spec(dice, zones, name)
        namespace = dice.choice(("models", "models", "other"))
        for replica in range(dice.choice((1, 1, 2, 3, 5))):
            number = f"{workload:02d}{replica:02d}"
            found.append(
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {
                        "name": f"{name}-{replica}",
                        "namespace": namespace,
                        "uid": number,
                        "labels": {"app": name, "tier": "serving" if workload % 2 else "batch"},
                    },
                    "spec": spec,
                }
            )
    return found


def _pod_spec(dice: random.Random, zones: list[dict[str, str]], name: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [_container(dice, "engine")], "tolerations": _tolerations(dice)}
    if dice.random() < 0.3:
        spec["containers"].append(_container(dice, "sidecar", small=True))
    if dice.random() < 0.2:
        init = _container(dice, "fetch", small=dice.random() < 0.7)
        if dice.random() < 0.5:
            init["restartPolicy"] = "Always"
        spec["initContainers"] = [init, _container(dice, "prepare", small=True)]
    if dice.random() < 0.1:
        spec["overhead"] = {"cpu": "250m", "memory": "120Mi"}
    if dice.random() < 0.3:
        spec["nodeSelector"] = _node_selector(dice, zones)
    affinity: dict[str, Any] = {}
    if dice.random() < 0.3:
        affinity["nodeAffinity"] = _node_affinity(dice, zones)
    if dice.random() < 0.12:
        affinity["podAntiAffinity"] = _pod_affinity(dice, name)
    if dice.random() < 0.08:
        affinity["podAffinity"] = _pod_affinity(dice, name)
    if affinity:
        spec["affinity"] = affinity
    if dice.random() < 0.25:
        spec["topologySpreadConstraints"] = [_spread(dice, name) for _ in range(dice.choice((1, 1, 2)))]
    return spec


def _node_selector(dice: random.Random, zones: list[dict[str, str]]) -> dict[str, str]:
    return dice.choice(
        (
            {"karpenter.sh/nodepool": f"pool-{dice.randrange(3)}"},
            {"topology.kubernetes.io/zone": dice.choice(zones)["name"]},
            {"topology.k8s.aws/zone-id": dice.choice(zones)["id"]},
            {"failure-domain.beta.kubernetes.io/zone": dice.choice(zones)["name"]},
            {"node.kubernetes.io/instance-type": dice.choice(kinds()).name},
            {AWS + "instance-family": dice.choice(FAMILIES)},
            {AWS + "instance-gpu-name": dice.choice(("a10g", "l4", "l40s"))},
            {"karpenter.sh/capacity-type": dice.choice(("on-demand", "spot", "reserved", "none"))},
            {TEAM: dice.choice(("blue", "red", "green"))},
            {"kubernetes.io/arch": dice.choice(("amd64", "arm64"))},
            {"unknown.example.com/label": "x"},
            {"kubernetes.io/hostname": "node-1"},
        )
    )


def _node_affinity(dice: random.Random, zones: list[dict[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if dice.random() < 0.7:
        terms = [
            {"matchExpressions": [_requirement(dice, zones) for _ in range(dice.choice((1, 1, 2)))]}
            for _ in range(dice.choice((1, 1, 2, 3)))
        ]
        found["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": terms}
    if dice.random() < 0.5:
        weights = dice.sample(range(1, 100), dice.choice((1, 2)))
        found["preferredDuringSchedulingIgnoredDuringExecution"] = [
            {"weight": weight, "preference": {"matchExpressions": [_requirement(dice, zones)]}} for weight in weights
        ]
    return found


def _pod_affinity(dice: random.Random, name: str) -> dict[str, Any]:
    term = {
        "topologyKey": dice.choice(("kubernetes.io/hostname", "topology.kubernetes.io/zone")),
        "labelSelector": {"matchLabels": dice.choice(({"app": name}, {"tier": "serving"}, {"app": "model-0"}))},
    }
    if dice.random() < 0.5:
        return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    return {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 50, "podAffinityTerm": term}]}


def _spread(dice: random.Random, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "topologyKey": dice.choice(
            (
                "kubernetes.io/hostname",
                "topology.kubernetes.io/zone",
                "topology.kubernetes.io/zone",
                "karpenter.sh/capacity-type",
            )
        ),
        "maxSkew": dice.choice((1, 1, 2)),
        "whenUnsatisfiable": dice.choice(("DoNotSchedule", "DoNotSchedule", "ScheduleAnyway")),
        "labelSelector": {"matchLabels": {"app": name}},
    }
    if found["whenUnsatisfiable"] == "DoNotSchedule" and dice.random() < 0.2:
        found["minDomains"] = dice.choice((2, 3))
    if dice.random() < 0.2:
        found["nodeTaintsPolicy"] = "Honor"
    return found
