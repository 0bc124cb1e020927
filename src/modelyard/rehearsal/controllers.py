"""Kubernetes' own controllers, its scheduler, and Karpenter, beside a control plane."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from modelyard.cluster import Environment
from modelyard.placement import cluster
from modelyard.rehearsal.control_plane import ControlPlane, free_port, started
from modelyard.rehearsal.instance_types import kwok_instance_types
from modelyard.tooling import require, write_whole

PROGRAMS = ("kube-controller-manager", "kube-scheduler", "karpenter-kwok")
KARPENTER_KINDS = (
    ("karpenter.sh/v1", "NodePool"),
    ("karpenter.sh/v1", "NodeClaim"),
    ("karpenter.sh/v1alpha1", "NodeOverlay"),
    ("autoscaling.x-k8s.io/v1beta1", "CapacityBuffer"),
    ("karpenter.k8s.aws/v1", "EC2NodeClass"),
)

_READY_SECONDS = 60.0
_POLL_SECONDS = 0.5


def start(plane: ControlPlane, view: Environment, stack: ExitStack) -> None:
    """Start the controllers; they are ready by what they do, not by what they say.

    Karpenter's nodes are objects only. Its instance types are the catalogue's, for the environment's pools.

    Args:
        plane: A control plane that knows Karpenter's definitions.
        view: The environment.
        stack: Holds the programs; closing it kills them.

    Raises:
        Refusal: A program is missing.
    """
    config = start_kubernetes(plane, stack)
    types = plane.folder.path / "instance-types.json"
    write_whole(types, json.dumps(kwok_instance_types(cluster(view))))
    ports = [f"--metrics-port={free_port()}", f"--health-probe-port={free_port()}"]
    words = [f"--instance-types-file-path={types}", "--disable-leader-election", *ports]
    variables: dict[str, str | None] = {"KUBECONFIG": str(config), "SYSTEM_NAMESPACE": "kube-system"}
    _start(plane, "karpenter-kwok", words, variables, stack)


def start_kubernetes(plane: ControlPlane, stack: ExitStack) -> Path:
    """Start Kubernetes' own controllers and scheduler, and return the kubeconfig that they read.

    Args:
        plane: A control plane.
        stack: Holds the programs; closing it kills them.

    Raises:
        Refusal: A program is missing.
    """
    config = plane.folder.path / "kubeconfig"
    write_whole(config, json.dumps(plane.api.kubeconfig()), mode=0o600)
    for name in ("kube-controller-manager", "kube-scheduler"):
        _start(plane, name, [f"--kubeconfig={config}", "--leader-elect=false", "--secure-port=0"], {}, stack)
    return config


def _start(
    plane: ControlPlane, name: str, words: list[str], variables: dict[str, str | None], stack: ExitStack
) -> None:
    argv = [str(require(name).path), *words]
    plane.components.append(stack.enter_context(started(plane.folder, name, argv, variables)))


def await_pools(plane: ControlPlane, count: int, turn: Callable[[], object]) -> None:
    """Wait until Karpenter has judged the pools: pods that come earlier are decided on without the others.

    Args:
        plane: The control plane.
        count: How many pools there are.
        turn: Called while waiting; keeps the statuses up that others would set.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        turn()
        found = plane.api.request("GET", "/apis/karpenter.sh/v1/nodepools").value.get("items", [])
        judged = [each for each in found if _condition(each, "Ready").get("status") in ("True", "False")]
        if len(judged) >= count:
            return
        plane.check()
        time.sleep(_POLL_SECONDS)


def _condition(value: dict[str, Any], kind: str) -> dict[str, Any]:
    conditions = value.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each.get("type") == kind), {})
