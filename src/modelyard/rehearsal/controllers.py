"""Kubernetes' own controllers, its scheduler, and Karpenter, beside a control plane."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from modelyard.placement import cluster
from modelyard.rehearsal.control_plane import ControlPlane, free_port, started
from modelyard.rehearsal.instance_types import kwok_instance_types
from modelyard.tooling import require, write_whole
from modelyard.view import Environment

PROGRAMS = ("kube-controller-manager", "kube-scheduler", "karpenter-kwok")
KARPENTER_KINDS = (
    ("karpenter.sh/v1", "NodePool"),
    ("karpenter.sh/v1", "NodeClaim"),
    ("karpenter.sh/v1alpha1", "NodeOverlay"),
    ("autoscaling.x-k8s.io/v1beta1", "CapacityBuffer"),
    ("karpenter.k8s.aws/v1", "EC2NodeClass"),
)

_SCHEDULER = "default-scheduler"
_READY_SECONDS = 60.0
_POLL_SECONDS = 0.5


def start(
    plane: ControlPlane, view: Environment, stack: ExitStack, instance_types: list[dict[str, Any]] | None = None
) -> None:
    """Start the controllers; they are ready by what they do, not by what they say.

    Karpenter's nodes are objects only. Its instance types are the catalogue's, for the environment's pools.

    Args:
        plane: A control plane that knows Karpenter's definitions.
        view: The environment.
        stack: Holds the programs; closing it kills them.
        instance_types: What Karpenter may start, in its provider's format; else what the environment's pools may.

    Raises:
        UserError: A program is missing.
    """
    config = start_kubernetes(plane, view, stack)
    types = plane.folder.path / "instance-types.json"
    write_whole(types, json.dumps(kwok_instance_types(cluster(view)) if instance_types is None else instance_types))
    ports = [f"--metrics-port={free_port()}", f"--health-probe-port={free_port()}"]
    words = [f"--instance-types-file-path={types}", "--disable-leader-election", *ports]
    variables: dict[str, str | None] = {
        "KUBECONFIG": str(config),
        "SYSTEM_NAMESPACE": "kube-system",
        "AUTO_MODE": "true" if any(pool.auto_mode for pool in view.pools) else None,
    }
    _start(plane, "karpenter-kwok", words, variables, stack)


def stood_in(view: Environment) -> list[str]:
    """Return for whom Kubernetes' scheduler and Karpenter stand in as well."""
    names = [f"{name} (kube-scheduler without its extension)" for name in further_schedulers(view)]
    return [*names, *(["EKS Auto Mode (Karpenter)"] if any(pool.auto_mode for pool in view.pools) else [])]


def further_schedulers(view: Environment) -> list[str]:
    """Return the names of the schedulers that pods ask for beside that of every cluster, in order."""
    asked = {template.spec.get("schedulerName") for each in view.workloads for template in each.templates}
    return sorted(str(name) for name in asked if name and name != _SCHEDULER)


def start_kubernetes(plane: ControlPlane, view: Environment, stack: ExitStack) -> Path:
    """Start Kubernetes' own controllers and scheduler, and return the kubeconfig that they read.

    The scheduler answers to the name of every other that a pod asks for, without what extends that one.

    Args:
        plane: A control plane.
        view: The environment.
        stack: Holds the programs; closing it kills them.

    Raises:
        UserError: A program is missing.
    """
    config = plane.folder.path / "kubeconfig"
    write_whole(config, json.dumps(plane.api.kubeconfig()), mode=0o600)
    read = {
        "kube-controller-manager": [f"--kubeconfig={config}"],
        "kube-scheduler": _scheduler_words(plane, view, config),
    }
    for name, words in read.items():
        _start(plane, name, [*words, "--leader-elect=false", "--secure-port=0"], {}, stack)
    return config


def _scheduler_words(plane: ControlPlane, view: Environment, config: Path) -> list[str]:
    names = further_schedulers(view)
    if not names:
        return [f"--kubeconfig={config}"]
    written = plane.folder.path / "scheduler.json"
    content = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(config)},
        "leaderElection": {"leaderElect": False},
        "profiles": [{"schedulerName": name} for name in (_SCHEDULER, *names)],
    }
    write_whole(written, json.dumps(content))
    return [f"--config={written}"]


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
