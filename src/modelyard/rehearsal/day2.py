"""A day in the life of a synced environment: commits and a node that goes, and what follows from them."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from modelyard.findings import UserError
from modelyard.rehearsal import argocd
from modelyard.rehearsal.api import ServedKind, object_path
from modelyard.rehearsal.syncing import ArgoSession, ClusterSnapshot, Tell
from modelyard.repository import ENVIRONMENTS
from modelyard.tooling import write_whole
from modelyard.view import Application, Environment

_NODE_CLAIMS = ServedKind("nodeclaims", False)
_WORKLOADS = ("Deployment", "StatefulSet")
_NO_PORT = 78000


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """One thing that happened on that day.

    Attributes:
        name: What was done.
        application: To which Application.
        seconds: How long it took until all followed.
        problems: What did not follow; empty when all is as designed.
    """

    name: str
    application: str
    seconds: float
    problems: tuple[str, ...] = ()


def breakable(models: Iterable[Application]) -> Application | None:
    """Return the first model with a Service of its own, whose port can be broken; the operator of Ray makes its own."""
    return next((each for each in models if any(manifest.kind == "Service" for manifest in each.own_resources)), None)


class Day2Scenario:
    """Goes through a day, one step after the other, on a copy of the repository.

    Args:
        syncing: A control plane on which everything is synced.
        seconds: How long to wait for what should follow, at each step.
        tell: Told what is being done.
    """

    def __init__(self, syncing: ArgoSession, seconds: float, tell: Tell) -> None:
        self._syncing = syncing
        self._seconds = seconds
        self._tell = tell
        self._view: Environment = syncing.view
        self._folder = f"{ENVIRONMENTS}/{self._view.name}"
        self._names = [each.name for each in self._view.applications]

    def steps(self) -> Iterator[ScenarioStep]:
        """Break a model and mend it, ask for more than its pool allows, take its node, rename it, and delete one.

        Models are taken in turn; those that serve by other than Deployments are only broken and deleted.
        """
        models = [each for each in self._view.applications if each.is_model]
        if not models:
            return
        plain = [each for each in models if any(manifest.kind in _WORKLOADS for manifest in each.resources)]
        broken = breakable(models)
        if broken is not None:
            yield self._step("break and mend", broken, self._break_and_mend)
        if plain:
            yield self._step("ask for more than the pool allows", plain[0], self._overscale)
            yield self._step("take its node away", plain[0], self._take_node)
            yield self._step("rename", plain[-1], self._rename)
        last = next((each for each in models if each is not plain[-1]), None) if plain else models[-1]
        if last is not None:
            yield self._step("delete", last, self._delete)

    def _step(self, name: str, application: Application, do: Callable[[Application], Iterator[str]]) -> ScenarioStep:
        started = time.monotonic()
        self._tell(f"{name}: {application.name}", 0, 0)
        problems = tuple(do(application))
        return ScenarioStep(name, application.name, time.monotonic() - started, problems)

    def _break_and_mend(self, application: Application) -> Iterator[str]:
        before = self._running(application.name)
        operations = [{"op": "replace", "path": "/spec/ports/0/port", "value": _NO_PORT}]
        patch = {"target": {"version": "v1", "kind": "Service"}, "patch": yaml.safe_dump(operations)}
        folder = str(application.target)
        self._syncing.served.edit(folder, lambda content: content.setdefault("patches", []).append(patch))
        self._syncing.commit("a port that does not exist")

        def refused(seen: ClusterSnapshot) -> bool:
            found = seen.applications[application.name]
            return not found.well and any(str(_NO_PORT) in reason for reason in found.reasons)

        if self._until(refused) is None:
            yield f"the API server should refuse port {_NO_PORT}, and Argo CD should say so"
        if self._running(application.name) < before:
            yield "pods that ran before the mistake should still run"
        self._syncing.served.edit(folder, lambda content: content["patches"].pop())
        self._syncing.commit("the port as it was")
        yield from self._converges("the next commit should mend it without anybody's help")

    def _overscale(self, application: Application) -> Iterator[str]:
        found = self._beyond_limits(application)
        if found is None:
            return  # the pool has no limit of devices, or the pods ask for none
        pool, resource, replicas = found
        folder = str(application.target)
        operations = [{"op": "add", "path": "/spec/replicas", "value": replicas}]
        patch = {"target": {"kind": "|".join(_WORKLOADS)}, "patch": yaml.safe_dump(operations)}
        self._syncing.served.edit(folder, lambda content: content.setdefault("patches", []).append(patch))
        self._syncing.commit(f"{replicas} replicas")

        def full(seen: ClusterSnapshot) -> bool:
            own = [pod for pod in seen.pods if _is_of(pod, application.name)]
            waiting = {pod["metadata"]["name"] for pod in own if not pod["spec"].get("nodeName")}
            return self._says("exceeded quota", application.name) or any(self._says("limits", each) for each in waiting)

        if self._until(full) is None:
            yield f"a quota or pool {pool} should keep the last of {replicas} replicas out for want of {resource}"
        yield from self._above_limits()
        self._syncing.served.edit(folder, lambda content: content["patches"].pop())
        self._syncing.commit("as many replicas as before")
        yield from self._converges("the former number of replicas should be back")

    def _take_node(self, application: Application) -> Iterator[str]:
        seen = self._syncing.turn()
        own = [pod for pod in seen.pods if _is_of(pod, application.name)]
        taken = {str(pod["spec"].get("nodeName")) for pod in own}
        claims = self._list("/apis/karpenter.sh/v1/nodeclaims")
        names = [each["metadata"]["name"] for each in claims if each.get("status", {}).get("nodeName") in taken]
        if not names:
            yield f"pods of {application.name} should run on nodes that Karpenter made"
        for name in names:
            self._syncing.plane.api.request("DELETE", object_path(_NODE_CLAIMS, "karpenter.sh/v1", "", name))

        def moved(seen: ClusterSnapshot) -> bool:
            pods = [pod for pod in seen.pods if _is_of(pod, application.name)]
            return not taken & set(seen.nodes) and bool(pods) and all(pod["spec"].get("nodeName") for pod in pods)

        if names and self._until(moved) is None:
            yield "pods should be drained off it and find another, and it should go"
        yield from self._converges("everything should be well again")

    def _rename(self, application: Application) -> Iterator[str]:
        old, new = application.name, f"{application.name[:40]}-renamed"
        held = self._objects(old)
        work = self._syncing.served.path
        stub, folder = work / self._folder / "applications" / f"{old}.yaml", work / str(application.target)
        whole = re.compile(rf"(?<![\w.-]){re.escape(old)}(?![\w.-])")
        for path in (stub, *(each for each in folder.rglob("*") if each.is_file() and not each.is_symlink())):
            write_whole(path, whole.sub(new, path.read_text("utf-8")))
        stub.rename(stub.with_name(f"{new}.yaml"))
        folder.rename(folder.with_name(new))
        self._list_resources(lambda names: [new_name(each, old, new) for each in names])
        self._names = [new if each == old else each for each in self._names]
        self._syncing.commit(f"{old} is now {new}")
        yield from self._converges(f"{new} should serve")
        yield from self._gone(old, held)

    def _delete(self, application: Application) -> Iterator[str]:
        name = application.name
        held = self._objects(name)
        if not held:
            yield f"Application {name} should hold objects before it is deleted"
        work = self._syncing.served.path
        (work / self._folder / "applications" / f"{name}.yaml").unlink()
        shutil.rmtree(work / str(application.target))
        self._list_resources(lambda names: [each for each in names if each != f"applications/{name}.yaml"])
        self._names.remove(name)
        self._syncing.commit(f"without {name}")
        yield from self._converges("everything else should stay well")
        yield from self._gone(name, held)

    def _until(self, reached: Callable[[ClusterSnapshot], bool]) -> ClusterSnapshot | None:
        return self._syncing.until(reached, self._seconds, self._tell)

    def _converges(self, expectation: str) -> Iterator[str]:
        if self._syncing.converge(self._names, self._seconds, self._tell) is None:
            seen = self._syncing.turn()
            unwell = [f"{each.name} is {each}" for each in seen.applications.values() if not each.well]
            there = set(seen.applications)
            unwell += [f"{name} is not made" for name in self._names if name not in there]
            yield f"{expectation}; after {self._seconds:.0f} s {', '.join(unwell) or 'pods have no node'}"

    def _gone(self, name: str, held: dict[str, str]) -> Iterator[str]:
        """Yield what is left of an Application's objects."""
        api = self._syncing.plane.api

        def gone(_: ClusterSnapshot) -> bool:
            return all(api.request("GET", path).status == 404 for path in held)

        if self._until(gone) is None:
            left = [told for path, told in held.items() if api.request("GET", path).status != 404]
            yield f"nothing of {name} should be left; {', '.join(left)} is"

    def _objects(self, name: str) -> dict[str, str]:
        """Return the objects that Argo CD made for an Application: paths, with how they are called."""
        found: dict[str, str] = {}
        served = self._syncing.plane.api.served()
        for application in argocd.applications(self._syncing.plane, self._syncing.namespace):
            if application["metadata"]["name"] != name:
                continue
            for each in application.get("status", {}).get("resources", ()):
                api_version = "/".join(filter(None, (each.get("group"), each.get("version"))))
                kind = served.get((api_version, str(each.get("kind"))))
                if kind is not None:
                    path = object_path(kind, api_version, str(each.get("namespace", "")), str(each["name"]))
                    found[path] = f"{each['kind']} {each['name']}"
        return found

    def _beyond_limits(self, application: Application) -> tuple[str, str, int] | None:
        """Return a pool, the resource that it limits, and more replicas than it has room for."""
        seen = self._syncing.turn()
        limits = {each["metadata"]["name"]: each["spec"].get("limits", {}) for each in self._pools()}
        for pod in (each for each in seen.pods if _is_of(each, application.name)):
            node = seen.nodes.get(str(pod["spec"].get("nodeName")), {})
            pool = str(node.get("metadata", {}).get("labels", {}).get("karpenter.sh/nodepool", ""))
            for resource, limit in limits.get(pool, {}).items():
                if each := _devices(pod, resource):
                    return pool, resource, int(limit) // each + 1
        return None

    def _above_limits(self) -> Iterator[str]:
        """Yield the pools that hold more than they may, by Karpenter's own count of whole devices."""
        for pool in self._pools():
            held = pool.get("status", {}).get("resources", {})
            for resource, limit in pool["spec"].get("limits", {}).items():
                if "/" in resource and int(held.get(resource, 0)) > int(limit):
                    yield f"pool {pool['metadata']['name']} holds {held[resource]} {resource}, its limit being {limit}"

    def _pools(self) -> list[dict[str, Any]]:
        return self._list("/apis/karpenter.sh/v1/nodepools")

    def _says(self, words: str, name: str) -> bool:
        """Return whether a controller says something of an object whose name begins like this."""
        events = self._list("/api/v1/events")
        return any(
            str(each["involvedObject"].get("name", "")).startswith(name) and words in each.get("message", "")
            for each in events
        )

    def _running(self, name: str) -> int:
        pods = self._syncing.turn().pods
        return sum(1 for pod in pods if _is_of(pod, name) and pod.get("status", {}).get("phase") == "Running")

    def _list(self, path: str) -> list[dict[str, Any]]:
        return list(self._syncing.plane.api.request("GET", path).value.get("items", []))

    def _list_resources(self, change: Callable[[list[str]], list[str]]) -> None:
        def apply(content: dict[str, Any]) -> None:
            before = list(content.get("resources", []))
            content["resources"] = change(before)
            if content["resources"] == before:
                raise UserError(f"{self._folder}/kustomization.yaml does not list the Application's file")

        self._syncing.served.edit(self._folder, apply)


def new_name(path: str, old: str, new: str) -> str:
    """Return the path of an Application's file after a renaming."""
    return f"applications/{new}.yaml" if path == f"applications/{old}.yaml" else path


def _devices(pod: dict[str, Any], resource: str) -> int:
    """Return how many of a resource a pod asks for; 0 for what is not counted in whole devices."""
    if "/" not in resource:
        return 0
    asked = (each.get("resources", {}).get("requests", {}) for each in pod["spec"]["containers"])
    return sum(int(each.get(resource, 0)) for each in asked)


def _is_of(pod: dict[str, Any], name: str) -> bool:
    labels = pod["metadata"].get("labels", {})
    return labels.get("app.kubernetes.io/instance") == name and not pod["metadata"].get("deletionTimestamp")
