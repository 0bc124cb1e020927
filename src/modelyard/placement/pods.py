"""Pods in the terms of Karpenter's scheduler: what they require, prefer, and give up when it cannot be had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from modelyard.placement.labels import POOL, refusal
from modelyard.placement.requirements import Requirement, Requirements, expressions, label_requirements
from modelyard.placement.resources import Resources, pod_requests
from modelyard.view import entries, mapping, selects

HostPort = tuple[str, int, str]
"""Address, port and protocol."""

Room = tuple[frozenset[tuple[str, int]], tuple[HostPort, ...]]
"""Requests and ports."""

_ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - how Kubernetes writes it, not an address that is bound


@dataclass(frozen=True, slots=True)
class AffinityTerm:
    """Other pods that a pod wants beside it, or away from it, in one topology."""

    key: str
    selector: Mapping[str, Any] | None
    namespaces: tuple[str, ...]

    def selects(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Return whether it concerns pods with these labels."""
        return namespace in self.namespaces and selects(self.selector, labels)


@dataclass(frozen=True, slots=True)
class Spread:
    """How evenly pods must be spread over a topology."""

    key: str
    selector: Mapping[str, Any] | None
    max_skew: int = 1
    min_domains: int | None = None
    required: bool = True
    honor_taints: bool = False
    honor_affinity: bool = True


@dataclass(frozen=True, eq=False)
class PodShape:
    """What the scheduler sees of a pod; the lists of preferences shrink as it gives them up.

    Attributes:
        namespace: Namespace of the pod.
        labels: Its labels.
        requests: What it asks for, one pod included.
        tolerations: Its tolerations.
        selector: Its `nodeSelector`.
        required: Required node affinity: any one of these.
        preferred: Preferred node affinity, heaviest first.
        affinity: Pods that it must run beside.
        preferred_affinity: Pods that it would run beside, heaviest first.
        anti_affinity: Pods that it must not run beside.
        preferred_anti_affinity: Pods that it would not run beside, heaviest first.
        spread: Topology spread constraints.
        host_ports: Ports of the node that it takes.
        volumes: What its volumes require of the node: any one of these; empty without volumes that do.
        claims: Whether it has resource claims.
        ignored: Why Karpenter ignores it; empty where it does not.
    """

    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    requests: Resources = field(default_factory=dict)
    tolerations: tuple[dict[str, Any], ...] = ()
    selector: tuple[Requirement, ...] = ()
    required: tuple[tuple[Requirement, ...], ...] = ()
    preferred: tuple[tuple[Requirement, ...], ...] = ()
    affinity: tuple[AffinityTerm, ...] = ()
    preferred_affinity: tuple[AffinityTerm, ...] = ()
    anti_affinity: tuple[AffinityTerm, ...] = ()
    preferred_anti_affinity: tuple[AffinityTerm, ...] = ()
    spread: tuple[Spread, ...] = ()
    host_ports: tuple[HostPort, ...] = ()
    volumes: tuple[Requirements, ...] = ()
    claims: bool = False
    ignored: str = ""

    @cached_property
    def room(self) -> Room:
        """Return what it needs of a node's room, equal for all pods that need the same."""
        return frozenset(self.requests.items()), self.host_ports

    @cached_property
    def strict(self) -> Requirements:
        """Return what it requires of its node: its selector and the first alternative of its affinity."""
        found = Requirements(self.selector)
        if self.required:
            found.add(self.required[0])
        return found

    @cached_property
    def requirements(self) -> Requirements:
        """Return what it requires, its heaviest preference included."""
        return self.strict.narrowed(self.preferred[0]) if self.preferred else self.strict

    @cached_property
    def _with_fewer_wishes(self) -> PodShape | None:
        if len(self.required) > 1:
            return replace(self, required=self.required[1:])
        if self.preferred_affinity:
            return replace(self, preferred_affinity=self.preferred_affinity[1:])
        if self.preferred_anti_affinity:
            return replace(self, preferred_anti_affinity=self.preferred_anti_affinity[1:])
        if self.preferred:
            return replace(self, preferred=self.preferred[1:])
        for index, each in enumerate(self.spread):
            if not each.required:
                return replace(self, spread=_without(self.spread, index))
        return None

    @cached_property
    def _tolerant(self) -> PodShape:
        return replace(self, tolerations=(*self.tolerations, TOLERATE_PREFERENCES))

    def stages(self, tolerate_preferences: bool) -> Iterator[PodShape]:
        """Yield it as it is, then with ever fewer wishes; the same objects every time.

        The order is that of `Relax` in Karpenter's scheduling/preferences.go: alternatives of required affinity,
        preferred affinity to pods, preferred distance from pods, preferred nodes, spread that may be missed, and last
        taints with `PreferNoSchedule`.

        Args:
            tolerate_preferences: Whether some pool has a taint with `PreferNoSchedule`.
        """
        stage: PodShape | None = self
        last = self
        while stage is not None:
            yield stage
            last, stage = stage, stage._with_fewer_wishes
        if tolerate_preferences and not any(_covers_preferences(each) for each in self.tolerations):
            yield last._tolerant

    @property
    def alone(self) -> PodShape:
        """Return it without what depends on other pods."""
        return replace(
            self, affinity=(), preferred_affinity=(), anti_affinity=(), preferred_anti_affinity=(), spread=()
        )


TOLERATE_PREFERENCES: dict[str, Any] = {"operator": "Exists", "effect": "PreferNoSchedule"}
"""The toleration that a pod gets when nothing else helps."""


def pod_shape(
    template: Mapping[str, Any],
    namespace: str,
    volumes: tuple[Requirements, ...] = (),
    ignored: str = "",
    added: Mapping[str, str] | None = None,
) -> PodShape:
    """Return a pod or pod template as the scheduler sees it.

    Args:
        template: `metadata` and `spec` of a pod.
        namespace: Namespace that it runs in.
        volumes: What its volumes require of the node.
        ignored: Why Karpenter ignores it whatever its spec says.
        added: Labels that the pod's controller gives it beside those of the template.
    """
    spec = mapping(template.get("spec"))
    written = mapping(mapping(template.get("metadata")).get("labels"))
    labels = {str(key): str(value) for key, value in {**written, **(added or {})}.items()}
    affinity = mapping(spec.get("affinity"))
    node = mapping(affinity.get("nodeAffinity"))
    terms = entries(mapping(node.get("requiredDuringSchedulingIgnoredDuringExecution")).get("nodeSelectorTerms"))
    preferred = _weighed(node.get("preferredDuringSchedulingIgnoredDuringExecution"))
    beside, away = mapping(affinity.get("podAffinity")), mapping(affinity.get("podAntiAffinity"))
    selector = tuple(label_requirements(mapping(spec.get("nodeSelector"))))
    return PodShape(
        namespace=namespace,
        labels=labels,
        requests=pod_requests(spec),
        tolerations=tuple(dict(each) for each in entries(spec.get("tolerations"))),
        selector=selector,
        required=tuple(tuple(expressions(each.get("matchExpressions"))) for each in terms),
        preferred=tuple(
            tuple(expressions(mapping(each.get("preference")).get("matchExpressions"))) for each in preferred
        ),
        affinity=_terms(entries(beside.get("requiredDuringSchedulingIgnoredDuringExecution")), namespace, labels),
        preferred_affinity=_terms(_preferred_terms(beside), namespace, labels),
        anti_affinity=_terms(entries(away.get("requiredDuringSchedulingIgnoredDuringExecution")), namespace, labels),
        preferred_anti_affinity=_terms(_preferred_terms(away), namespace, labels),
        spread=tuple(_spread(each, labels) for each in entries(spec.get("topologySpreadConstraints"))),
        host_ports=tuple(_host_ports(spec)),
        volumes=volumes,
        claims=bool(spec.get("resourceClaims")),
        ignored=ignored or _ignored(spec, terms, selector, preferred),
    )


def conflicts(asked: tuple[HostPort, ...], taken: tuple[HostPort, ...]) -> HostPort | None:
    """Return the first host port that is asked for and taken, None when there is none."""
    for address, port, protocol in asked:
        for other_address, other_port, other_protocol in taken:
            same = address == other_address or address in _ANY_ADDRESS or other_address in _ANY_ADDRESS
            if port == other_port and protocol == other_protocol and same:
                return address, port, protocol
    return None


def _without(spread: tuple[Spread, ...], index: int) -> tuple[Spread, ...]:
    """Return constraints without one; the last takes its place, as in Karpenter."""
    kept = list(spread)
    kept[index] = kept[-1]
    return tuple(kept[:-1])


def _covers_preferences(toleration: Mapping[str, Any]) -> bool:
    """Return whether a toleration is the one that Karpenter would add."""
    same = {key: value for key, value in toleration.items() if value not in (None, "")}
    return same.get("operator") == "Exists" and same.get("effect") == "PreferNoSchedule" and "key" not in same


def _ignored(
    spec: Mapping[str, Any],
    terms: Sequence[Mapping[str, Any]],
    selector: tuple[Requirement, ...],
    preferred: Sequence[Mapping[str, Any]],
) -> str:
    """Return why Karpenter does not look at the pod (`Validate` in its provisioning/provisioner.go)."""
    first = Requirements(selector)
    if preferred:
        first.add(expressions(mapping(preferred[0].get("preference")).get("matchExpressions")))
    if terms:
        first.add(expressions(terms[0].get("matchExpressions")))
    if POOL in first and first.get(POOL).operator == "DoesNotExist":
        return f"the pods ask for nodes without the label {POOL}"
    for key, value in mapping(spec.get("nodeSelector")).items():
        if why := refusal(str(key), "In", (str(value),)):
            return why
    for term in terms:
        if term.get("matchFields"):
            return "the pods choose nodes by matchFields"
        for each in entries(term.get("matchExpressions")):
            values = each.get("values")
            listed = tuple(str(value) for value in values) if isinstance(values, list) else ()
            if why := refusal(str(each.get("key", "")), str(each.get("operator", "")), listed):
                return why
    return ""


def _terms(entries: Sequence[Mapping[str, Any]], namespace: str, labels: Mapping[str, str]) -> tuple[AffinityTerm, ...]:
    found = []
    for each in entries:
        named = each.get("namespaces")
        namespaces = tuple(str(name) for name in named) if isinstance(named, list) and named else (namespace,)
        found.append(AffinityTerm(str(each.get("topologyKey", "")), _selector(each, labels), namespaces))
    return tuple(found)


def _selector(entry: Mapping[str, Any], labels: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Return which pods are meant, with the values of the pod's own labels, as the API server writes them in."""
    selector = entry.get("labelSelector")
    if not isinstance(selector, Mapping):
        return None
    extra = []
    for name, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")):
        keys = entry.get(name)
        named = [str(key) for key in keys if str(key) in labels] if isinstance(keys, list) else []
        extra += [{"key": key, "operator": operator, "values": [labels[key]]} for key in named]
    if not extra:
        return selector
    return {**selector, "matchExpressions": [*entries(selector.get("matchExpressions")), *extra]}


def _preferred_terms(affinity: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    weighed = _weighed(affinity.get("preferredDuringSchedulingIgnoredDuringExecution"))
    return [mapping(each.get("podAffinityTerm")) for each in weighed]


def _weighed(terms: Any) -> Sequence[Mapping[str, Any]]:
    return sorted(entries(terms), key=lambda each: -_integer(each.get("weight"), 0))


def _spread(entry: Mapping[str, Any], labels: Mapping[str, str]) -> Spread:
    least = entry.get("minDomains")
    return Spread(
        key=str(entry.get("topologyKey", "")),
        selector=_selector(entry, labels),
        max_skew=_integer(entry.get("maxSkew"), 1),
        min_domains=least if isinstance(least, int) else None,
        required=entry.get("whenUnsatisfiable") != "ScheduleAnyway",
        honor_taints=entry.get("nodeTaintsPolicy") == "Honor",
        honor_affinity=entry.get("nodeAffinityPolicy") != "Ignore",
    )


def _host_ports(spec: Mapping[str, Any]) -> Iterator[HostPort]:
    for container in entries(spec.get("containers")):
        for port in entries(container.get("ports")):
            # With hostNetwork the API server sets hostPort to containerPort.
            number = _integer(port.get("hostPort"), 0) or (
                _integer(port.get("containerPort"), 0) if spec.get("hostNetwork") else 0
            )
            if number:
                yield str(port.get("hostIP") or _ANY_ADDRESS[0]), number, str(port.get("protocol") or "TCP")


def _integer(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
