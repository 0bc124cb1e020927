"""Karpenter with its AWS provider, started with the environment's own settings, and what it says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from modelyard.findings import UserError
from modelyard.rehearsal.cloud.account import MockAccount
from modelyard.rehearsal.control_plane import ControlPlane, free_port, started
from modelyard.tooling import require
from modelyard.tooling.background import BackgroundProcess
from modelyard.view import ChartValues, Environment

PROGRAM = "karpenter-aws"
NODE_CLASSES = "/apis/karpenter.k8s.aws/v1/ec2nodeclasses"

# Chart karpenter 1.14.1, templates/deployment.yaml: which setting becomes which variable. The network is always taken
# for isolated, since the mock has no price list.
_VARIABLES = {
    "batchMaxDuration": "BATCH_MAX_DURATION",
    "batchIdleDuration": "BATCH_IDLE_DURATION",
    "preferencePolicy": "PREFERENCE_POLICY",
    "minValuesPolicy": "MIN_VALUES_POLICY",
    "clusterName": "CLUSTER_NAME",
    "clusterEndpoint": "CLUSTER_ENDPOINT",
    "eksControlPlane": "EKS_CONTROL_PLANE",
    "vmMemoryOverheadPercent": "VM_MEMORY_OVERHEAD_PERCENT",
    "interruptionQueue": "INTERRUPTION_QUEUE",
    "reservedENIs": "RESERVED_ENIS",
    "ignoreDRARequests": "IGNORE_DRA_REQUESTS",
    "disableDryRun": "DISABLE_DRY_RUN",
}
_GATES = {
    "reservedCapacity": "ReservedCapacity",
    "spotToSpotConsolidation": "SpotToSpotConsolidation",
    "nodeRepair": "NodeRepair",
    "nodeOverlay": "NodeOverlay",
    "staticCapacity": "StaticCapacity",
    "capacityBuffer": "CapacityBuffer",
}
_SETTLED_SECONDS = 60.0
_ALL_TOLD_SECONDS = 3.0
_POLL_SECONDS = 0.5
_WAITS = ("DependenciesNotReady", "AwaitingReconciliation", "UnhealthyDependents", "ReconcilingDependents")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of an EC2NodeClass that is not true.

    Attributes:
        kind: Its type, such as `SubnetsReady`.
        told: Why, in Karpenter's words.
    """

    kind: str
    told: str


@dataclass(frozen=True, slots=True)
class NodeClass:
    """What Karpenter made of an EC2NodeClass.

    Attributes:
        name: Its name.
        ready: Whether nodes can be made of it.
        problems: What is not true of it; empty where it is ready.
        status: What Karpenter found for it: subnets, groups, images, profile.
    """

    name: str
    ready: bool
    problems: tuple[Condition, ...]
    status: Mapping[str, Any]


def values_of(view: Environment) -> ChartValues:
    """Return the values with which Karpenter's chart is installed.

    Raises:
        UserError: The environment does not install it.
    """
    for values in view.chart_values:
        if values.source.chart == "karpenter":
            if values.unreadable:
                raise UserError(f"the values of chart karpenter cannot be read: {values.unreadable}")
            return values
    raise UserError(
        f"environment {view.name} does not install Karpenter, which level cloud is about",
        fix="rehearse it at another level; with EKS Auto Mode, Karpenter is AWS's own and cannot be had",
    )


def variables(values: ChartValues) -> dict[str, str | None]:
    """Return what the chart would put into Karpenter's environment of these values."""
    found: dict[str, str | None] = {}
    for key, name in _VARIABLES.items():
        value = values.get(f"settings.{key}")
        if value not in (None, "", False):
            found[name] = str(value).lower() if isinstance(value, bool) else str(value)
    gates = {gate: values.get(f"settings.featureGates.{key}") for key, gate in _GATES.items()}
    given = [f"{gate}={str(on).lower()}" for gate, on in gates.items() if isinstance(on, bool)]
    if given:
        found["FEATURE_GATES"] = ",".join(given)
    return found


def start(
    plane: ControlPlane, account: MockAccount, values: ChartValues, namespace: str, stack: ExitStack
) -> BackgroundProcess:
    """Start Karpenter.

    Args:
        plane: A control plane whose folder holds a kubeconfig.
        account: The account that it works in.
        values: Of its chart.
        namespace: That of its chart.
        stack: Holds the process; closing it kills it.

    Raises:
        UserError: The program is missing.
    """
    environment = {
        **account.variables(),
        **variables(values),
        "ISOLATED_VPC": "true",
        "DISABLE_LEADER_ELECTION": "true",
        "SYSTEM_NAMESPACE": namespace,
        "METRICS_PORT": str(free_port()),
        "HEALTH_PROBE_PORT": str(free_port()),
        "KUBECONFIG": str(plane.folder.path / "kubeconfig"),
    }
    argv = [str(require(PROGRAM).path)]
    return stack.enter_context(started(plane.folder, PROGRAM, argv, environment))


def settle(
    plane: ControlPlane, karpenter: BackgroundProcess, names: set[str], turn: Callable[[], object]
) -> dict[str, NodeClass]:
    """Wait until Karpenter has judged the EC2NodeClasses, and return its judgements by name.

    Args:
        plane: The control plane.
        karpenter: Its process; should it end, what is known by then is returned.
        names: The EC2NodeClasses.
        turn: Called while waiting.
    """
    deadline = time.monotonic() + _SETTLED_SECONDS
    judged_at: float | None = None
    while True:
        turn()
        found = {each.name: each for each in node_classes(plane, karpenter)}
        now = time.monotonic()
        if {name for name, each in found.items() if each.ready or each.problems} >= names:
            # Of one that is not ready, more than one thing may be wrong, and not all is told at once.
            judged_at = judged_at or now
            if all(found[name].ready for name in names) or now - judged_at > _ALL_TOLD_SECONDS:
                return found
        if karpenter.returncode is not None or now > deadline:
            return found
        plane.check()
        time.sleep(_POLL_SECONDS)


def node_classes(plane: ControlPlane, karpenter: BackgroundProcess) -> Iterator[NodeClass]:
    """Yield what Karpenter makes of each EC2NodeClass at present."""
    errors = list(errors_of(karpenter))
    for each in plane.api.request("GET", NODE_CLASSES).value.get("items", []):
        name, status = str(each["metadata"]["name"]), each.get("status", {})
        conditions = {str(it["type"]): it for it in status.get("conditions", [])}
        ready = conditions.get("Ready", {}).get("status") == "True"
        problems = [
            Condition(kind, _said(it))
            for kind, it in conditions.items()
            if kind != "Ready" and it["status"] == "False" and it.get("reason") not in _WAITS
        ]
        unknown = [kind for kind, it in conditions.items() if kind != "Ready" and it["status"] == "Unknown"]
        told = [error for subject, error in errors if subject == name]
        if not ready and told and unknown:
            # What cannot even be asked leaves a condition unknown, and is told in the log alone.
            problems.append(Condition(unknown[0], told[-1]))
        yield NodeClass(name, ready, () if ready else tuple(problems), status)


def errors_of(karpenter: BackgroundProcess) -> Iterator[tuple[str, str]]:
    """Yield the errors in Karpenter's log: the EC2NodeClass or controller that each is about, and its words."""
    try:
        text = karpenter.log.read_text("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        if '"ERROR"' not in line and '"level":"error"' not in line:
            continue
        try:
            said = json.loads(line)
        except ValueError:
            continue
        node_class = said.get("EC2NodeClass")
        subject = node_class.get("name") if isinstance(node_class, dict) else said.get("controller")
        yield str(subject or ""), str(said.get("error") or said.get("message") or "")


def _said(condition: Mapping[str, Any]) -> str:
    reason, message = str(condition.get("reason", "")), str(condition.get("message", ""))
    return f"{reason}: {message}" if message and message != reason else reason
