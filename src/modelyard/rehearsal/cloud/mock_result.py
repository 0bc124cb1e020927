"""An environment tried in a mock AWS account: Terraform makes it, Karpenter works in it, and a machine goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from modelyard.editing import Changes, outputs, sync_outputs
from modelyard.findings import UserError
from modelyard.placement import placements
from modelyard.placement.node_groups import variables
from modelyard.rehearsal import controllers
from modelyard.rehearsal.cloud import karpenter
from modelyard.rehearsal.cloud.account import MockAccount
from modelyard.rehearsal.cloud.interruption import Interruption, interrupt
from modelyard.rehearsal.cloud.registrar import Registrar
from modelyard.rehearsal.cloud.terraform import Diagnostic, Terraform
from modelyard.rehearsal.control_plane import ControlPlane
from modelyard.rehearsal.dry_run import KEPT
from modelyard.rehearsal.kubelets import Kubelets
from modelyard.rehearsal.operators import Operators
from modelyard.rehearsal.scheduling import FIRST, Scheduled, make, scheduled
from modelyard.rehearsal.served import ServedRepository
from modelyard.view import Environment, Manifest

NODE_CLASS = ("karpenter.k8s.aws", "EC2NodeClass")

_POLL_SECONDS = 0.5
_SETTLED_SECONDS = 30.0

Tell = Callable[[str, int, int], None]


@dataclass(slots=True)
class MockCloudResult:
    """What was seen in the mock account.

    Attributes:
        failed: Why Terraform's apply failed; empty when it did not.
        resources: How many resources it made.
        filled: What was written into the environment's files from its outputs.
        missing: What could not be.
        node_classes: What Karpenter made of each EC2NodeClass, by name.
        ended: How Karpenter ended by itself; empty while it did not.
        queue: What Karpenter says of its interruption queue; empty when it can read it.
        pods: Where pods went.
        outside: Machines that would not have joined the cluster, and why.
        machines: How many machines ran at most.
        interruption: What followed from one; None where none was tried.
        stood_in: Operators for which something was set.
    """

    failed: list[Diagnostic] = field(default_factory=list)
    resources: int = 0
    filled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    node_classes: dict[str, karpenter.NodeClass] = field(default_factory=dict)
    ended: str = ""
    queue: str = ""
    pods: list[Scheduled] = field(default_factory=list)
    outside: dict[str, str] = field(default_factory=dict)
    machines: int = 0
    interruption: Interruption | None = None
    stood_in: list[str] = field(default_factory=list)


class Cloud:
    """A mock account beside a control plane, with an environment's Terraform under way in it.

    Args:
        plane: The control plane.
        view: The environment.
        copy: A copy of the repository; Terraform runs there, and its outputs are written there.
        stack: Holds all processes; closing it kills them.

    Raises:
        UserError: The environment has no account, no region, no Terraform or no Karpenter, or a program does not start.
    """

    def __init__(self, plane: ControlPlane, view: Environment, copy: ServedRepository, stack: ExitStack) -> None:
        self.seen = MockCloudResult()
        self._plane = plane
        self._stack = stack
        self._copy = copy
        self._name = view.name
        karpenter.values_of(view)
        if variables(view.folder).get("existing_cluster") is not None:
            raise UserError(
                f"environment {view.name} lives in a cluster that was there before, which the mock AWS does not have",
                fix="rehearse it at another level",
            )
        account, region = str(view.facts.get("account") or ""), str(view.facts.get("region") or "")
        if not account or not region:
            raise UserError(
                f"environment {view.name} does not say in which account and region it is",
                fix=f"set account: and region: in environments/{view.name}/environment.yaml",
            )
        self._account = MockAccount(plane, account, region, stack)
        self.terraform = Terraform(plane, copy.path, view.repository.root, view.name, self._account)
        self.terraform.initialise()
        self.terraform.start_applying(stack)

    def apply(self, tell: Tell) -> bool:
        """Wait for Terraform, write its outputs into the copy as `modelyard env sync` does, and return whether it did.

        Raises:
            UserError: It takes too long, or the outputs are another environment's.
        """
        self.seen.failed = self.terraform.applied(lambda count: tell("Terraform's resources", count, 0))
        self.seen.resources = self.terraform.resources
        if self.seen.failed:
            return False
        changes, values = Changes(self._copy.path), outputs(self.terraform.outputs())
        values.pop("addon_versions", None)  # the mock makes them up
        self.seen.filled, self.seen.missing = sync_outputs(changes, self._name, values)
        changes.apply()
        return True

    def run(self, view: Environment, seconds: float, tell: Tell, timed: Callable[[str], Any]) -> None:
        """Start Karpenter, give it the environment, and see what becomes of it.

        Args:
            view: The environment, with what Terraform gave.
            seconds: How long to wait at most for pods, and for an interruption to be over.
            tell: Told how far it is.
            timed: Times a block under a name.
        """
        plane, values = self._plane, karpenter.values_of(view)
        controllers.start_kubernetes(plane, view, self._stack)
        namespace = values.application.namespace or "kube-system"
        process = karpenter.start(plane, self._account, values, namespace, self._stack)
        served = plane.api.served()
        operators = Operators(plane.api, real=[NODE_CLASS])
        manifests = [manifest for manifest in view.resources if (manifest.group, manifest.kind) not in KEPT]
        with timed("node classes"):
            for manifest in (each for each in manifests if each.kind in FIRST):
                make(plane, served, view, manifest)
            names = {each.name for each in manifests if (each.group, each.kind) == NODE_CLASS}
            tell("node classes", 0, len(names))
            self.seen.node_classes = karpenter.settle(plane, process, names, operators.turn)
        if process.returncode is not None:
            self.seen.ended = "; ".join([process.how_it_ended(), *_words(process)])
            return
        plane.components.append(process)
        self.seen.queue = _queue_trouble(process)
        registrar = Registrar(plane.api, str(view.facts.get("cluster") or ""))
        kubelets = Kubelets(plane.api, run_pods=True)

        def turn() -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
            operators.turn()
            machines = self._account.machines()
            self.seen.machines = max(self.seen.machines, len(machines))
            registrar.turn(machines)
            return kubelets.turn()

        pools = sum(1 for each in manifests if each.kind == "NodePool")
        ready = [each for each in self.seen.node_classes.values() if each.ready]
        with timed("scheduling"):
            if ready:
                controllers.await_pools(plane, pools, turn)
            for manifest in (each for each in manifests if each.kind not in FIRST):
                make(plane, served, view, manifest)
            nodes, pods = self._placed(turn, seconds if ready else 0.0, tell)
            self.seen.pods = list(scheduled(plane, pods, nodes, placements(view)))
        if self.seen.queue or values.get("settings.interruptionQueue"):
            with timed("interruption"):
                tell("interruption", 0, 0)
                self.seen.interruption = interrupt(plane, self._account, turn, seconds, lambda: _queue_trouble(process))
            self.seen.queue = self.seen.queue or _queue_trouble(process)
        self.seen.outside = dict(registrar.refused)
        self.seen.stood_in = [*operators.stood_in, *controllers.stood_in(view)]
        plane.check()

    def _placed(
        self, turn: Callable[[], tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]], seconds: float, tell: Tell
    ) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        """Take turns until all pods have a node, or nothing moves any more."""
        begun = last = time.monotonic()
        placed = -1
        while True:
            nodes, pods = turn()
            with_node = sum(1 for each in pods if each["spec"].get("nodeName"))
            tell("pods", with_node, len(pods))
            now = time.monotonic()
            if with_node != placed:
                placed, last = with_node, now
            all_placed = bool(pods) and with_node == len(pods)
            if (all_placed and now - last > 1.0) or now - last > _SETTLED_SECONDS or now - begun > max(seconds, 5.0):
                return nodes, pods
            self._plane.check()
            time.sleep(_POLL_SECONDS)


def node_classes_by_name(view: Environment) -> dict[str, Manifest]:
    """Return the EC2NodeClasses of an environment by name."""
    return {each.name: each for each in view.of_kind(NODE_CLASS[1], NODE_CLASS[0])}


def _queue_trouble(process: Any) -> str:
    """Return Karpenter's last complaint of its interruption queue; empty when it has none."""
    told = [
        words
        for subject, words in karpenter.errors_of(process)
        if subject == "interruption" and ("sqs" in words.lower() or "queue" in words.lower())
    ]
    return told[-1] if told else ""


def _words(process: Any) -> list[str]:
    told = [words for _, words in karpenter.errors_of(process)]
    return told[-1:] or process.last_lines(1)
