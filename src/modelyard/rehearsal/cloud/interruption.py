"""A machine that EC2 takes back: told on the account's bus, heard by Karpenter from its queue, and drained."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelyard.rehearsal.cloud.account import MockAccount
from modelyard.rehearsal.control_plane import ControlPlane

_POLL_SECONDS = 0.5
_SPOT = "spot"


@dataclass(frozen=True, slots=True)
class Interruption:
    """What followed from an interruption.

    Attributes:
        event: What was told, as EventBridge calls it.
        machine: Id of the machine.
        node: Name of its node.
        pods: Pods of a workload that ran on it, without those of DaemonSets.
        seconds: How long it took until node and machine were gone.
        problems: What did not follow; empty when all did.
    """

    event: str
    machine: str
    node: str
    pods: tuple[str, ...]
    seconds: float
    problems: tuple[str, ...] = ()


def interrupt(
    plane: ControlPlane,
    account: MockAccount,
    turn: Callable[[], tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]],
    seconds: float,
    why_not: Callable[[], str],
) -> Interruption | None:
    """Interrupt one machine with a pod of a model on it, and wait until it is drained and gone.

    A spot machine is taken back by EC2's two-minute warning, another by a scheduled change of its host. Where none runs
    a model, any that Karpenter made is taken.

    Args:
        plane: The control plane.
        account: The account.
        turn: Brings stand-ins up to date, and returns the nodes by name and the pods.
        seconds: How long to wait at most.
        why_not: Says what Karpenter told of its queue, should nothing follow.

    Returns:
        None where Karpenter made no node.
    """
    nodes, pods = turn()
    made = {
        name: node
        for name, node in nodes.items()
        if "karpenter.sh/nodepool" in node["metadata"].get("labels", {})
        and not node["metadata"].get("deletionTimestamp")
    }
    if not made:
        return None
    name = max(made, key=lambda each: _worth(made[each], pods))
    machine = str(made[name]["spec"]["providerID"]).rpartition("/")[2]
    own = tuple(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in _on(name, pods))
    begun = time.monotonic()
    event = _tell(account, machine, made[name]["metadata"]["labels"].get("karpenter.sh/capacity-type") == _SPOT)
    while True:
        nodes, pods = turn()
        running = {each["id"] for each in account.machines()}
        waiting = [pod for pod in pods if not pod["spec"].get("nodeName")]
        took = time.monotonic() - begun
        if name not in nodes and machine not in running and not waiting:
            return Interruption(event, machine, name, own, took)
        if took > seconds:
            problems = tuple(_problems(name, machine, nodes, running, waiting, why_not()))
            return Interruption(event, machine, name, own, took, problems)
        plane.check()
        time.sleep(_POLL_SECONDS)


def _tell(account: MockAccount, machine: str, spot: bool) -> str:
    arn = f"arn:aws:ec2:{account.region}::instance/{machine}"
    if spot:
        event = "EC2 Spot Instance Interruption Warning"
        account.put_event("aws.ec2", event, {"instance-id": machine, "instance-action": "terminate"}, [arn])
        return event
    event = "AWS Health Event"
    detail = {
        "service": "EC2",
        "eventTypeCategory": "scheduledChange",
        "eventTypeCode": "AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED",
        "affectedEntities": [{"entityValue": machine}],
    }
    account.put_event("aws.health", event, detail, [arn])
    return event


def _worth(node: dict[str, Any], pods: list[dict[str, Any]]) -> tuple[int, int]:
    """Return how well a node shows what an interruption does: one with devices and pods first."""
    devices = any("/" in name for name in node.get("status", {}).get("allocatable", {}))
    return (int(devices), len(_on(str(node["metadata"]["name"]), pods)))


def _on(node: str, pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the pods on a node that go elsewhere when it goes."""
    return [
        pod
        for pod in pods
        if pod["spec"].get("nodeName") == node
        and not any(owner.get("kind") == "DaemonSet" for owner in pod["metadata"].get("ownerReferences", ()))
    ]


def _problems(
    name: str,
    machine: str,
    nodes: dict[str, dict[str, Any]],
    running: set[str],
    waiting: list[dict[str, Any]],
    told: str,
) -> list[str]:
    found = []
    if name in nodes:
        drained = nodes[name]["metadata"].get("deletionTimestamp")
        found.append(
            f"node {name} should be drained and gone, and is still {'being drained' if drained else 'in use'}"
            + (f": {told}" if told and not drained else "")
        )
    elif machine in running:
        found.append(f"machine {machine} should be ended, and runs")
    if waiting:
        names = ", ".join(str(pod["metadata"]["name"]) for pod in waiting[:3])
        found.append(f"pods should be on other nodes, and {names} found none")
    return found
