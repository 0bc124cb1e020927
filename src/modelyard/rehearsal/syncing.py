"""An environment synced by Argo CD from a copy of the working tree, until everything is there and well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from modelyard.placement import placements
from modelyard.rehearsal import argocd, controllers, group_operators, webhooks
from modelyard.rehearsal.absences import Absence
from modelyard.rehearsal.api import ServedKind, object_path
from modelyard.rehearsal.control_plane import ControlPlane
from modelyard.rehearsal.dry_run import apply
from modelyard.rehearsal.kubelets import Kubelets
from modelyard.rehearsal.operators import Operators
from modelyard.rehearsal.scheduling import Scheduled, scheduled
from modelyard.rehearsal.served import ServedRepository
from modelyard.view import Environment, Manifest

_POLL_SECONDS = 0.5
# Longer than controllers need to answer each other: what is well for so long stays so.
_SETTLED_SECONDS = 3.0
_REASONS = 6

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Synced:
    """One Application as Argo CD sees it.

    Attributes:
        name: Its name.
        sync: `Synced`, `OutOfSync` or `Unknown`.
        health: Such as `Healthy` or `Progressing`.
        phase: Of the last sync, such as `Succeeded`; empty before the first.
        revisions: Commits that it was compared with.
        reasons: Why it is not well, in Argo CD's words.
    """

    name: str
    sync: str
    health: str
    phase: str
    revisions: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Whether it is synced and healthy, and its last sync succeeded."""
        return (self.sync, self.health) == ("Synced", "Healthy") and self.phase in ("", "Succeeded")

    def __str__(self) -> str:
        return f"{self.sync}, {self.health}" + (f", sync {self.phase}" if self.phase not in ("", "Succeeded") else "")


@dataclass(slots=True)
class ClusterSnapshot:
    """What is in the cluster at one time.

    Attributes:
        applications: By name.
        pods: As the API server has them.
        nodes: By name.
    """

    applications: dict[str, Synced] = field(default_factory=dict)
    pods: list[dict[str, Any]] = field(default_factory=list)
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)


class ArgoSession:
    """A control plane with Argo CD that follows a repository.

    Attributes:
        plane: The control plane.
        served: The repository.
        namespace: Argo CD's.
        operators: What stands in for operators.
        absence: What is missing; None from when it is there.
    """

    def __init__(
        self,
        plane: ControlPlane,
        view: Environment,
        served: ServedRepository,
        stack: ExitStack,
        absence: Absence | None = None,
    ) -> None:
        self.plane = plane
        self.view = view
        self.served = served
        self.namespace = argocd.namespace_of(view)
        self.operators = Operators(
            plane.api, [kind for each in group_operators.needed(view) for kind in each.groups_and_kinds], absence
        )
        self._kubelets = Kubelets(plane.api, run_pods=True)
        self.absence = absence
        if absence is not None and absence.images:
            self._kubelets.unpullable = frozenset(each.application.namespace for each in view.models)
        self._stack = stack
        self._commit = served.git("rev-parse", "HEAD").strip()
        self._started = time.monotonic()

    def bootstrap(self) -> None:
        """Do what scripts/install.sh does in the cluster: Argo CD with its settings, then the root Application.

        Raises:
            UserError: A program is missing or does not start, or the API server refuses what it is told.
        """
        controllers.start(self.plane, self.view, self._stack)
        group_operators.start(self.plane, self.view, self._stack, self.operators.turn)
        served = self.plane.api.served()
        namespaces = ServedKind("namespaces", False)
        for manifest in self._own_resources_of_argocd():
            self._apply(served, manifest)
        value = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self.plane.api.request("POST", object_path(namespaces, "v1", ""), value)  # unless it is there already
        argocd.install(self.plane, self.view, self.namespace, patient=self.absence is None)
        if self.absence is not None:
            webhooks.silence(self.plane, self.absence.webhooks)
        argocd.start(self.plane, self.view, self._stack, self.namespace)
        for manifest in self.view.bootstrap:
            self._apply(served, manifest)

    def fall_ill(self) -> None:
        """Let a node fall ill, where that is what is missing; nodes are made only once pods ask for them."""
        self._kubelets.ill = self.absence is not None and self.absence.node

    def mend(self) -> None:
        """Bring what was missing; nothing is committed."""
        if self.absence is not None:
            webhooks.answer(self.plane, self.absence.webhooks)
        self.absence = self.operators.absence = None
        self._kubelets.unpullable, self._kubelets.ill = frozenset(), False

    def commit(self, message: str) -> None:
        """Commit the served repository as it stands and have Argo CD look at it."""
        self._commit = self.served.commit(message)
        argocd.refresh(self.plane, self.namespace)

    def turn(self) -> ClusterSnapshot:
        """Bring the stand-ins up to date and return what is in the cluster."""
        self.plane.check()
        self.operators.turn()
        nodes, pods = self._kubelets.turn()
        found = {each.name: each for each in map(_synced, argocd.applications(self.plane, self.namespace))}
        return ClusterSnapshot(found, pods, nodes)

    def until(
        self, reached: Callable[[ClusterSnapshot], bool], seconds: float, tell: Tell, settled: float = 0.0
    ) -> ClusterSnapshot | None:
        """Take turns until something holds for a while; None where it does not in time.

        Args:
            reached: What should hold.
            seconds: How long to wait at most.
            tell: Told how many Applications are well.
            settled: For how many seconds it should hold.
        """
        deadline = time.monotonic() + seconds
        since: float | None = None
        while True:
            seen = self.turn()
            _tell(seen, tell)
            now = time.monotonic()
            if not reached(seen):
                since = None
            elif now - (since := since or now) >= settled:
                return seen
            if now > deadline:
                return None
            time.sleep(_POLL_SECONDS)

    def converge(self, names: Iterable[str], seconds: float, tell: Tell) -> ClusterSnapshot | None:
        """Wait until exactly these Applications and the root are there and well, and all pods have a node."""
        wanted = set(names) | {each.name for each in self.view.bootstrap if each.kind == "Application"}

        def reached(seen: ClusterSnapshot) -> bool:
            return (
                set(seen.applications) == wanted
                and all(each.well and self._is_current(each) for each in seen.applications.values())
                and all(pod["spec"].get("nodeName") for pod in seen.pods)
            )

        return self.until(reached, seconds, tell, settled=_SETTLED_SECONDS)

    def placed(self, seen: ClusterSnapshot) -> list[Scheduled]:
        """Return where pods are, beside what `place` foretells."""
        return list(scheduled(self.plane, seen.pods, seen.nodes, placements(self.view)))

    def _is_current(self, application: Synced) -> bool:
        """Whether it was compared with the newest commit; one that follows a tag never is."""
        follows = {self._commit} & set(application.revisions)
        return bool(follows) or not self._follows_branch(application.name)

    def _follows_branch(self, name: str) -> bool:
        application = self.view.application_by_name.get(name)
        if application is None:
            return True
        branches = {"", "HEAD", "main", *self.served.branches}
        return any(not each.chart and each.revision in branches for each in application.sources)

    def _own_resources_of_argocd(self) -> Iterator[Manifest]:
        for application in self.view.applications:
            if any(source.chart == "argo-cd" for source in application.sources):
                manifests = sorted(application.own_resources, key=lambda manifest: manifest.kind != "Namespace")
                yield from manifests

    def _apply(self, served: dict[tuple[str, str], ServedKind], manifest: Manifest) -> None:
        kind = served.get((manifest.identity.api_version, manifest.kind))
        if kind is not None:  # the other rungs say what is not served
            value = self.served.readdressed(manifest.value)
            apply(self.plane.api, kind, self.view.namespace_of(manifest) or self.namespace, value, dry_run=False)


def _tell(seen: ClusterSnapshot, tell: Tell) -> None:
    waiting = [f"{each.name} ({each})" for each in seen.applications.values() if not each.well]
    text = f"waiting for {', '.join(waiting[:3])}: applications well" if waiting else "applications well"
    tell(text, len(seen.applications) - len(waiting), len(seen.applications))


def _synced(value: dict[str, Any]) -> Synced:
    status = value.get("status", {})
    sync = status.get("sync", {})
    operation = status.get("operationState", {})
    revisions = (sync.get("revision"), *sync.get("revisions", ()))
    return Synced(
        str(value["metadata"]["name"]),
        str(sync.get("status") or "Unknown"),
        str(status.get("health", {}).get("status") or "Unknown"),
        str(operation.get("phase") or ""),
        tuple(str(each) for each in revisions if each),
        tuple(dict.fromkeys(_reasons(status)))[:_REASONS],
    )


def _reasons(status: dict[str, Any]) -> Iterator[str]:
    for each in status.get("conditions", ()):
        yield f"{each.get('type')}: {each.get('message')}"
    operation = status.get("operationState", {})
    if operation.get("phase") in ("Failed", "Error", "Running", "Terminating"):
        for each in operation.get("syncResult", {}).get("resources", ()):
            if each.get("status") == "SyncFailed" or each.get("hookPhase") in ("Failed", "Error"):
                yield f"{each.get('kind')} {each.get('name')}: {each.get('message')}"
        if operation.get("message"):
            yield f"sync {str(operation['phase']).lower()}: {operation['message']}"
    for each in status.get("resources", ()):
        health = each.get("health", {})
        name = f"{each.get('kind')} {each.get('name')}"
        if health.get("status") not in (None, "Healthy"):
            yield f"{name} is {health['status']}" + (f": {health['message']}" if health.get("message") else "")
        elif each.get("status") not in (None, "Synced"):
            yield f"{name} is {each['status']}"
