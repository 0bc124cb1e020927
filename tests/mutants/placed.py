"""Mutants in front of the real scheduler and Karpenter: a pod that stays Pending while the check is green is a miss."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from modelyard.rehearsal import controllers
from modelyard.rehearsal.api import ServedKind
from modelyard.rehearsal.control_plane import ControlPlane, control_plane
from modelyard.rehearsal.definitions import install_definitions
from modelyard.rehearsal.dry_run import apply
from modelyard.rehearsal.folders import run_folder
from modelyard.rehearsal.kubelets import Kubelets
from modelyard.rehearsal.operators import Operators
from modelyard.rehearsal.rehearse import definitions_in_use
from modelyard.schemas import SchemaBundle
from modelyard.tooling import parallel
from modelyard.view import NODE_CLASSES, Environment
from tests.mutants.apart import Made, apart, instance_types_of, is_pool
from tests.mutants.truth import Asked

UNCHANGED = "unchanged"
"""The copy of the repository as it is, in each batch: what stays Pending of it is no word on a mutant."""

MAKING_PODS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job"})
"""Kinds of which Kubernetes' own controllers make pods."""

_POLL_SECONDS = 1.0
_SETTLED_SECONDS = 25.0
_MOST_SECONDS = 300.0
_KARPENTER = "karpenter"


def placed(worlds: Mapping[str, tuple[Made, ...]], views: Iterable[Environment]) -> dict[str, Asked]:
    """Return what the scheduler and Karpenter say to copies of what decides where pods go, by their marks.

    All stand on one server at once, each with nodes of its own. A copy of which nothing was decided in time is not
    among them.

    Args:
        worlds: The copies, by a short mark; one of them is UNCHANGED.
        views: The environment as it is, and then those of the copies with other pools.

    Raises:
        UserError: A program is missing or ended.
    """
    views = list(views)
    with run_folder() as folder, control_plane(folder) as plane, ExitStack() as stack:
        definitions = {**definitions_in_use(views[0], []), **_karpenters()}
        wanted = {*(kind for _, kind in controllers.KARPENTER_KINDS), *NODE_CLASSES}
        kinds = [each for each in definitions.values() if each["spec"]["names"]["kind"] in wanted]
        install_definitions(plane.api, kinds, plane.check)
        controllers.start(plane, views[0], stack, instance_types_of(views))
        bench = _Bench(plane)
        copies = {mark: apart(world, mark) for mark, world in worlds.items()}
        bench.make((mark, each) for mark, copy in copies.items() for each in copy if not each.namespace)
        pools = sum(1 for copy in copies.values() for each in copy if is_pool(each))
        controllers.await_pools(plane, pools, bench.operators.turn)
        for makes_pods in (False, True):
            bench.make(
                (mark, each)
                for mark, copy in copies.items()
                for each in copy
                if each.namespace and (each.kind in MAKING_PODS) is makes_pods
            )
        said = bench.watched(copies)
    known = {_bare(each, UNCHANGED) for each in said.get(UNCHANGED, ())}
    return {
        mark: Asked(
            len(worlds[mark]), tuple(each for each in refusals if mark == UNCHANGED or _bare(each, mark) not in known)
        )
        for mark, refusals in said.items()
    }


def _karpenters() -> dict[str, dict[str, Any]]:
    bundle = SchemaBundle()
    found = [bundle.definition(api_version, kind) for api_version, kind in controllers.KARPENTER_KINDS]
    return {each["metadata"]["name"]: each for each in found if each}


def _bare(said: str, mark: str) -> str:
    """Return which object something was said of, whatever it was and whichever copy it stands in."""
    return said.partition(": ")[0].replace(f"-{mark}", "")


class _Bench:
    """A server that holds the copies."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.served: dict[tuple[str, str], ServedKind] = plane.api.served()
        self.operators = Operators(plane.api)
        self.kubelets = Kubelets(plane.api, run_pods=False)
        self.refused: dict[str, list[str]] = defaultdict(list)

    def make(self, objects: Iterable[tuple[str, Made]]) -> None:
        """Make objects, and note what the server refuses of them."""

        def attempt(asked: tuple[str, Made]) -> None:
            mark, made = asked
            kind = self.served.get((str(made.value.get("apiVersion")), made.kind))
            if kind is None:
                self.refused[mark].append(f"{made.kind} {made.name}: it is not served")
                return
            answer = apply(self.plane.api, kind, made.namespace, made.value, dry_run=False)
            if not answer.ok:
                self.refused[mark].append(f"{made.kind} {made.name}: {answer.message[:300]}")

        for _ in parallel(attempt, list(objects), workers=4):
            pass

    def watched(self, copies: Mapping[str, list[Made]]) -> dict[str, tuple[str, ...]]:
        """Wait until nothing moves any more, and return by mark what has no node, and why."""
        started = last = time.monotonic()
        before: object = None
        while True:
            self.operators.turn()
            nodes, pods = self.kubelets.turn()
            now = time.monotonic()
            state = (len(nodes), len(pods), sum(1 for each in pods if each["spec"].get("nodeName")))
            if state != before:
                before, last = state, now
            waiting = {mark: list(self._waiting(mark, copy, pods)) for mark, copy in copies.items()}
            settled = now - last > _SETTLED_SECONDS
            if settled or not any(waiting.values()) or now - started > _MOST_SECONDS:
                return self._told(waiting, pods, settled=settled)
            self.plane.check()
            time.sleep(_POLL_SECONDS)

    def _waiting(
        self, mark: str, copy: list[Made], pods: list[dict[str, Any]]
    ) -> Iterator[tuple[Made, list[dict[str, Any]]]]:
        """Yield what has fewer pods than it should, or some without a node, with those."""
        refused = {each.partition(": ")[0] for each in self.refused.get(mark, ())}
        for made in copy:
            if made.kind not in MAKING_PODS or f"{made.kind} {made.name}" in refused:
                continue
            own = [each for each in pods if each["metadata"]["namespace"] == made.namespace and _is_of(each, made)]
            without = [each for each in own if not each["spec"].get("nodeName")]
            if without or (made.pods is not None and len(own) < made.pods):
                yield made, without

    def _told(
        self,
        waiting: Mapping[str, list[tuple[Made, list[dict[str, Any]]]]],
        pods: list[dict[str, Any]],
        *,
        settled: bool,
    ) -> dict[str, tuple[str, ...]]:
        events = self.plane.api.request("GET", "/api/v1/events").value.get("items", [])
        of_pod: dict[str, list[tuple[str, str]]] = defaultdict(list)
        of_maker: dict[str, list[str]] = defaultdict(list)
        for event in events:
            if event.get("type") != "Warning":
                continue
            involved = event["involvedObject"]
            source = str(event.get("source", {}).get("component") or event.get("reportingComponent") or "")
            of_pod[str(involved.get("uid"))].append((source, str(event["message"])))
            of_maker[f"{involved.get('namespace')}/{involved.get('name')}"].append(str(event["message"]))
        found: dict[str, tuple[str, ...]] = {}
        for mark, makers in waiting.items():
            said = list(self.refused.get(mark, ()))
            decided = True
            for made, without in makers:
                words = [one for pod in without for one in of_pod[pod["metadata"]["uid"]]]
                by_karpenter = [text for source, text in words if source == _KARPENTER]
                not_made = [
                    text
                    for name, texts in of_maker.items()
                    if name.startswith(f"{made.namespace}/{made.name}")
                    for text in texts
                    if text.startswith("Error creating")
                ]
                decided &= bool(settled or by_karpenter or not_made)
                reason = next(iter([*by_karpenter, *not_made, *(text for _, text in words)]), "no pods were made")
                said.append(f"{made.kind} {made.namespace}/{made.name}: {_once(reason)[:600]}")
            if decided:
                found[mark] = tuple(said)
        return found


def _is_of(pod: dict[str, Any], made: Made) -> bool:
    for owner in pod["metadata"].get("ownerReferences", ()):
        name = str(owner["name"])
        if owner["kind"] == "ReplicaSet" and made.kind == "Deployment" and name.rpartition("-")[0] == made.name:
            return True
        if owner["kind"] == made.kind and name == made.name:
            return True
    return False


def _once(reason: str) -> str:
    """Return the words on pools, each once: there is a pool of each copy."""
    return "; ".join(dict.fromkeys(reason.split("; ")))
