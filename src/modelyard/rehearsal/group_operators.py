"""The operators of groups of pods, LeaderWorkerSet and KubeRay: their own controllers, beside a control plane."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from modelyard.findings import NotChecked, UserError
from modelyard.rehearsal.api import ServedKind, object_path
from modelyard.rehearsal.control_plane import ControlPlane, started
from modelyard.tooling import find, require
from modelyard.view import Environment

PROGRAM = "operator-parts"
_WEBHOOKS = ServedKind("validatingwebhookconfigurations", False)
_READY_SECONDS = 60.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class GroupOperator:
    """An operator that makes pods.

    Attributes:
        name: How it is called.
        part: Which part of the program it is.
        kinds: API version and kind of what it looks at.
        webhooks: Name of the configuration of its webhooks; empty when it has none.
        pretends: What it takes for granted here.
    """

    name: str
    part: str
    kinds: tuple[tuple[str, str], ...]
    webhooks: str = ""
    pretends: str = ""

    @property
    def groups_and_kinds(self) -> tuple[tuple[str, str], ...]:
        """Return group and kind of what it looks at."""
        return tuple((api_version.partition("/")[0], kind) for api_version, kind in self.kinds)

    def is_needed(self, view: Environment) -> bool:
        """Return whether the environment holds what it makes pods of."""
        return any((manifest.group, manifest.kind) in self.groups_and_kinds for manifest in view.resources)


LEADER_WORKER_SET = GroupOperator(
    "LeaderWorkerSet",
    "leader-worker-set",
    (("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"),),
    "lws-validating-webhook-configuration",
)
RAY = GroupOperator(
    "KubeRay", "ray", (("ray.io/v1", "RayCluster"), ("ray.io/v1", "RayService")), pretends="Ray's head pods"
)
GROUP_OPERATORS = (LEADER_WORKER_SET, RAY)


def needed(view: Environment) -> list[GroupOperator]:
    """Return the operators whose pods an environment would have, as far as their program is installed."""
    return [each for each in GROUP_OPERATORS if each.is_needed(view)] if find(PROGRAM) is not None else []


def gaps(view: Environment) -> Iterator[NotChecked]:
    """Yield a gap for every operator whose pods are not made because its program is not installed."""
    for each in GROUP_OPERATORS if find(PROGRAM) is None else ():
        if each.is_needed(view):
            yield NotChecked(
                f"pods that {each.name} makes",
                f"{PROGRAM} is not installed",
                f"run modelyard tools install {PROGRAM}",
                environment=view.name,
            )


def start(plane: ControlPlane, view: Environment, stack: ExitStack, turn: Callable[[], object]) -> list[GroupOperator]:
    """Start the operators that an environment needs, and wait until the API server knows their webhooks.

    Args:
        plane: A control plane that knows their definitions, and whose folder holds a kubeconfig.
        view: The environment.
        stack: Holds the programs; closing it kills them.
        turn: Called while waiting.

    Returns:
        Those that run.

    Raises:
        UserError: A program ended, or its webhooks are not there in time.
    """
    running = needed(view)
    variables = {"KUBECONFIG": str(plane.folder.path / "kubeconfig"), "TMPDIR": str(plane.folder.path)}
    for each in running:
        argv = [str(require(PROGRAM).path), each.part]
        plane.components.append(stack.enter_context(started(plane.folder, f"{PROGRAM}-{each.part}", argv, variables)))
    deadline = time.monotonic() + _READY_SECONDS
    waiting = [each.webhooks for each in running if each.webhooks]
    while waiting:
        turn()
        plane.check()
        if time.monotonic() >= deadline:
            raise UserError(
                f"the webhooks of {PROGRAM} are not there after {_READY_SECONDS:g} s",
                fix="run the command again when less else runs on this machine",
            )
        paths = {name: object_path(_WEBHOOKS, "admissionregistration.k8s.io/v1", "", name) for name in waiting}
        waiting = [name for name, path in paths.items() if not plane.api.request("GET", path).ok]
        time.sleep(_POLL_SECONDS)
    return running
