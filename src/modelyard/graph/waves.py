"""The order in which Argo CD makes things, and what each waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from modelyard.catalog import operators
from modelyard.findings import Address
from modelyard.graph.building import graph
from modelyard.graph.edges import Addressable, End, ObjectRef
from modelyard.rendering import Path
from modelyard.view.environment import Environment
from modelyard.view.manifests import Manifest
from modelyard.view.nodes import OF_EVERY_NODE
from modelyard.view.shapes import mapping
from modelyard.view.values import ChartValues

WAVE, HOOK = "argocd.argoproj.io/sync-wave", "argocd.argoproj.io/hook"
IGNORED_HEALTH = "argocd.argoproj.io/ignore-healthcheck"
_PHASES = {"PreSync": 0, "Sync": 1, "": 1, "PostSync": 2}
_CUSTOMIZATION = "resource.customizations.health.argoproj.io_Application"

# What pods, claims and custom resources do not get ready without, by the verb of the edge.
_NODES = "needs nodes with"
_NEEDS = {
    "is of": {"StorageClass", "IngressClass", "GatewayClass"},
    "binds": {"PersistentVolume"},
    "mounts": {"ConfigMap", "Secret", "PersistentVolumeClaim"},
    "reads": {"ConfigMap", "Secret"},
    "runs as": {"ServiceAccount"},
    "has priority": {"PriorityClass"},
    "runs under": {"RuntimeClass"},
    "reads from": {"SecretStore", "ClusterSecretStore"},
    "names": {"ConfigMap", "PersistentVolumeClaim", "PriorityClass", "RuntimeClass", "Secret", "StorageClass"},
    "writes to": {"Namespace"},
    _NODES: {"NodePool", "node label"},
}
# Where objects name the class of what gives them an address; EnvoyProxy is Envoy Gateway's.
_CLASSES: dict[tuple[str, str], Path] = {
    ("", "Service"): ("spec", "loadBalancerClass"),
    ("networking.k8s.io", "Ingress"): ("spec", "ingressClassName"),
    ("gateway.envoyproxy.io", "EnvoyProxy"): ("spec", "provider", "kubernetes", "envoyService", "loadBalancerClass"),
}
_CLASS_KEYS = ("loadBalancerClass", "ingressClassName")


@dataclass(frozen=True, slots=True)
class Place:
    """When something is made.

    Attributes:
        application: The Application; empty for what the bootstrap brings.
        wave: The Application's wave among those of the environment.
        phase: Of the Application's sync: 0 before it, 1 in it, 2 after it.
        own_wave: The wave within that phase.
    """

    application: str
    wave: int
    phase: int = 1
    own_wave: int = 0

    def comes_before(self, other: Place) -> bool:
        """Return whether this is made, and waited for, before the other begins."""
        if self.application == other.application:
            return (self.phase, self.own_wave) < (other.phase, other.own_wave)
        return self.wave < other.wave

    @property
    def within(self) -> str:
        """Return when it is made among the objects of its Application, in words."""
        return f"in wave {self.own_wave}{(' before the sync', '', ' after the sync')[self.phase]}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that an object waits for.

    Attributes:
        source: The object, with where it says so.
        place: When that object is made.
        wanted: What it waits for, in words.
        providers: When what it waits for is made; never empty.
    """

    source: End
    place: Place
    wanted: str
    providers: tuple[Place, ...]

    @property
    def is_late(self) -> bool:
        """Return whether all that could bring it comes after the object."""
        return all(self.place.comes_before(provider) for provider in self.providers)

    @property
    def at(self) -> Address:
        """Return where the object asks for it."""
        at = self.source.at
        if at is None:
            raise ValueError(f"{self.source.node} is written nowhere")
        return at

    @property
    def is_inside(self) -> bool:
        """Return whether the object and what it waits for belong to one Application."""
        return all(self.place.application == provider.application for provider in self.providers)


class Waves:
    """The waves of one environment.

    Args:
        environment: The environment.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._definitions: dict[str, set[Place]] = defaultdict(set)
        self._controllers: dict[str, set[Place]] = defaultdict(set)
        known = operators()
        for application in environment.applications:
            place = Place(application.name, self.number(application.manifest))
            for source in application.sources:
                operator = known.get(source.chart)
                if operator is None:
                    continue
                if not mapping(source.value, "helm").get("skipCrds"):
                    self._note(self._definitions, operator.definitions, place)
                self._note(self._controllers, operator.works_on, place)
                self._note(self._controllers, (f"loadBalancerClass {each}" for each in operator.load_balancers), place)
                self._note(self._controllers, (f"IngressClass {each}" for each in operator.ingress_classes), place)
        for manifest in environment.of_kind("CustomResourceDefinition"):
            made = self._place(manifest)
            if made is not None:
                self._definitions[f"{manifest.get('spec.group')}/{manifest.get('spec.names.kind')}"].add(made)

    @staticmethod
    def _note(into: dict[str, set[Place]], names: Iterable[str], place: Place) -> None:
        for name in names:
            into[name].add(place)

    @staticmethod
    def number(manifest: Manifest) -> int:
        """Return the wave that is written on a resource; 0 where none is, or none that Argo CD reads."""
        written = str(manifest.annotations.get(WAVE) or "0")
        return int(written) if written.lstrip("-").isdigit() else 0

    @cached_property
    def wait_for_health(self) -> bool | None:
        """Whether a wave waits until its Applications are healthy; None where Argo CD's settings are not here.

        Argo CD has no health of its own for the kind Application; only a setting gives it one.
        """
        settings = [
            mapping(dict(layer.content), "configs", "cm")
            for values in self._environment.chart_values
            if values.source.chart == "argo-cd"
            for layer in values.layers
        ]
        maps = self._environment.of_kind("ConfigMap", "")
        settings += [manifest.mapping("data") for manifest in maps if manifest.name == "argocd-cm"]
        if not settings:
            return None
        return any(
            _CUSTOMIZATION in each or "argoproj.io/Application" in str(each.get("resource.customizations") or "")
            for each in settings
        )

    def late(self) -> Iterator[Requirement]:
        """Yield what objects wait for and only something behind them brings."""
        return (each for each in self._requirements() if each.is_late)

    def _requirements(self) -> Iterator[Requirement]:
        for edge in graph(self._environment).edges:
            if edge.relation == _NODES and edge.source.node.kind == "DaemonSet":
                continue  # without a node that it is for it wants no pod, and is healthy
            if edge.relation == _NODES and edge.wanted.name.partition("=")[0].split(" ")[0] in OF_EVERY_NODE:
                continue  # nodes that no pool makes have it too
            if not edge.reference.optional and edge.wanted.kind in _NEEDS.get(edge.relation, ()):
                providers = {self._place(end.holder) for end in edge.targets}
                if None not in providers:  # what every cluster has is there already
                    wanted = str(edge.wanted.whole)
                    yield from self._requirement(edge.source, wanted, {each for each in providers if each is not None})
        for manifest in self._environment.resources:
            if manifest.group:
                yield from self._of_kind(manifest)
            path = _CLASSES.get((manifest.group, manifest.kind))
            if path is not None:
                yield from self._of_class(
                    End(ObjectRef(manifest.kind, manifest.name), manifest, path), manifest.get(path, "")
                )
        for values in self._environment.chart_values:
            for path in _class_paths(values):
                end = End(ObjectRef("chart", values.source.chart), values, path)
                yield from self._of_class(end, values.get(path))

    def _of_kind(self, manifest: Manifest) -> Iterator[Requirement]:
        end = End(ObjectRef(manifest.kind, manifest.name), manifest, ("kind",))
        kind = f"{manifest.group}/{manifest.kind}"
        providers = self._definitions.get(kind) or self._definitions.get(manifest.group, set())
        yield from self._requirement(end, f"the CRD of {manifest.kind}", providers)
        yield from self._requirement(end, f"the controller of {manifest.kind}", self._controllers.get(kind, set()))

    def _of_class(self, end: End, name: Any) -> Iterator[Requirement]:
        word = "IngressClass" if end.path[-1] == "ingressClassName" else "loadBalancerClass"
        written = f"{word} {name}"
        yield from self._requirement(end, f"the controller of {written}", self._controllers.get(written, set()))

    def _requirement(self, source: End, wanted: str, providers: set[Place]) -> Iterator[Requirement]:
        place = self._place(source.holder)
        if place is not None and providers and not _is_ignored(source.holder):
            yield Requirement(source, place, wanted, tuple(sorted(providers, key=lambda each: each.wave)))

    def _place(self, holder: Addressable | None) -> Place | None:
        """Return when what holds a value is made; None for what is not of an Application, or is made out of order."""
        if isinstance(holder, ChartValues):
            return Place(holder.application.name, self.number(holder.application.manifest))
        if not isinstance(holder, Manifest):
            return None
        if holder.kind == "Application" and not holder.application:
            own = self._environment.application_by_name.get(holder.name)
            return Place(own.name, self.number(own.manifest)) if own else None
        application = self._environment.application_by_name.get(holder.application)
        phase = _PHASES.get(str(holder.annotations.get(HOOK) or ""))
        if application is None or phase is None:
            return None
        return Place(application.name, self.number(application.manifest), phase, self.number(holder))


def _is_ignored(holder: Addressable | None) -> bool:
    return isinstance(holder, Manifest) and str(holder.annotations.get(IGNORED_HEALTH)) == "true"


def _class_paths(values: ChartValues) -> set[Path]:
    """Return where the values of a chart name the class of a load balancer or an Ingress."""
    found: set[Path] = set()
    open_: list[tuple[Path, Any]] = [
        ((str(key),), value) for layer in values.layers for key, value in layer.content.items()
    ]
    while open_:
        path, value = open_.pop()
        if path[-1] in _CLASS_KEYS and isinstance(value, str):
            found.add(path)
        elif isinstance(value, dict):
            open_ += [((*path, str(key)), below) for key, below in value.items()]
    return found
