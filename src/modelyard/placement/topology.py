"""Pods that depend on other pods: spread, affinity and anti-affinity, as Karpenter counts them.

The rules are those of `topology.go`, `topologygroup.go`, `topologydomaingroup.go` and `topologynodefilter.go` in
`pkg/controllers/provisioning/scheduling` of sigs.k8s.io/karpenter v1.14.1. Where Karpenter takes any of several equal
domains at random, these functions give all of them, in order of name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice, product
from typing import Any

import orjson

from modelyard.placement.labels import HOSTNAME
from modelyard.placement.pods import AffinityTerm, PodShape
from modelyard.placement.requirements import Requirement, Requirements
from modelyard.placement.templates import NodeTemplate
from modelyard.view import Taint, selects, tolerates

SPREAD, AFFINITY, ANTI_AFFINITY = "spread", "affinity", "anti-affinity"
_MOST_CHOICES = 64
_NO_SKEW = 2**31 - 1


@dataclass(frozen=True, eq=False)
class NodeFilter:
    """Which nodes count for a spread constraint."""

    alternatives: tuple[Requirements, ...] = ()
    honor_taints: bool = False
    honor_affinity: bool = False
    tolerations: tuple[dict[str, Any], ...] = ()

    def matches(self, taints: Iterable[Taint], requirements: Requirements) -> bool:
        """Return whether a node counts."""
        if self.honor_affinity and self.alternatives:
            undefined: frozenset[str] = frozenset()
            if not any(requirements.compatible(each, undefined=undefined) for each in self.alternatives):
                return False
        return not self.honor_taints or all(tolerates(list(self.tolerations), taint) for taint in taints)


@dataclass(eq=False)
class TopologyGroup:
    """One rule about pods, with how many of them are in each domain.

    Attributes:
        kind: `spread`, `affinity` or `anti-affinity`.
        key: The label whose values are the domains.
        namespaces: Namespaces of the pods that count.
        selector: Labels of the pods that count.
        max_skew: For spread: how uneven it may be.
        min_domains: For spread: below this many domains the emptiest counts as empty.
        node_filter: Which nodes count.
        domains: Pods by domain.
        owners: Numbers of the pods that have the rule.
    """

    kind: str
    key: str
    namespaces: tuple[str, ...]
    selector: Mapping[str, Any] | None
    max_skew: int = _NO_SKEW
    min_domains: int | None = None
    node_filter: NodeFilter = field(default_factory=NodeFilter)
    domains: dict[str, int] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)
    owners: set[int] = field(default_factory=set)

    def copy(self) -> TopologyGroup:
        """Return the rule with counts of its own."""
        return replace(self, domains=dict(self.domains), empty=set(self.empty), owners=set(self.owners))

    def register(self, domain: str) -> None:
        """Make a domain known."""
        if domain not in self.domains:
            self.domains[domain] = 0
            self.empty.add(domain)

    def record(self, domain: str) -> None:
        """Count a pod in a domain."""
        self.domains[domain] = self.domains.get(domain, 0) + 1
        self.empty.discard(domain)

    def selects(self, pod: PodShape) -> bool:
        """Return whether a pod counts."""
        return pod.namespace in self.namespaces and selects(self.selector, pod.labels)

    def counts(self, pod: PodShape, taints: Iterable[Taint], requirements: Requirements) -> bool:
        """Return whether a pod on a node counts."""
        return self.selects(pod) and self.node_filter.matches(taints, requirements)

    def choices(self, pod: PodShape, pod_domains: Requirement, node_domains: Requirement) -> list[Requirement]:
        """Return the domains that a pod may go to, as requirements of which one has to be met; empty for none."""
        if self.kind == SPREAD:
            return self._spread(pod, pod_domains, node_domains)
        if self.kind == AFFINITY:
            return self._affinity(pod, pod_domains, node_domains)
        return self._anti_affinity(pod_domains, node_domains)

    def _only(self, domains: Iterable[str]) -> Requirement:
        return Requirement(self.key, False, frozenset(domains))

    def _host(self, node_domains: Requirement) -> str | None:
        """Return the node's own name where each node is a domain of its own."""
        if self.key == HOSTNAME and len(node_domains.values) == 1:
            return next(iter(node_domains.values))
        return None

    def _spread(self, pod: PodShape, pod_domains: Requirement, node_domains: Requirement) -> list[Requirement]:
        own = 1 if self.selects(pod) else 0
        host = self._host(node_domains)
        if host is not None:
            return [self._only({host})] if self.domains.get(host, 0) + own <= self.max_skew else []
        least = self._least(pod_domains)
        valid = {
            domain: count + own
            for domain, count in self.domains.items()
            if node_domains.has(domain) and count + own - least <= self.max_skew
        }
        fewest = min(valid.values(), default=0)
        return [self._only({domain}) for domain in sorted(valid) if valid[domain] == fewest]

    def _least(self, pod_domains: Requirement) -> int:
        if self.key == HOSTNAME:
            return 0  # another node can always be made
        counts = [count for domain, count in self.domains.items() if pod_domains.has(domain)]
        if self.min_domains is not None and len(counts) < self.min_domains:
            return 0
        return min(counts, default=_NO_SKEW)

    def _affinity(self, pod: PodShape, pod_domains: Requirement, node_domains: Requirement) -> list[Requirement]:
        first = self.selects(pod) and (
            len(self.domains) == len(self.empty)
            or not any(count > 0 and pod_domains.has(domain) for domain, count in self.domains.items())
        )
        host = self._host(node_domains)
        if host is not None:
            allowed = pod_domains.has(host) and (self.domains.get(host, 0) > 0 or first)
            return [self._only({host})] if allowed else []
        taken = [
            domain
            for domain, count in self.domains.items()
            if count > 0 and pod_domains.has(domain) and node_domains.has(domain)
        ]
        if taken:
            return [self._only(taken)]
        if not first:
            return []
        # The first pod opens a domain. Karpenter adds any one of the pod's own domains too, which only narrows.
        both = pod_domains.intersection(node_domains)
        return [self._only({domain}) for domain in sorted(self.domains) if both.has(domain)]

    def _anti_affinity(self, pod_domains: Requirement, node_domains: Requirement) -> list[Requirement]:
        host = self._host(node_domains)
        if host is not None:
            return [self._only({host})] if self.domains.get(host, 0) == 0 else []
        free = {domain for domain in self.empty if node_domains.has(domain) and pod_domains.has(domain)}
        return [self._only(free)] if free else []


class Topology:
    """Every rule about pods that depend on pods, and the counts so far.

    Args:
        templates: The pools, which say what domains there are.
    """

    def __init__(self, templates: Iterable[NodeTemplate]) -> None:
        self.templates = tuple(templates)
        self._groups: dict[bytes, TopologyGroup] = {}
        self._inverse: dict[bytes, TopologyGroup] = {}
        self._by_owner: dict[int, list[TopologyGroup]] = {}
        self._domains: dict[str, dict[str, list[tuple[Taint, ...]]]] = {}

    def copy(self) -> Topology:
        """Return the rules with counts of their own."""
        made = Topology(self.templates)
        made._groups = {identity: group.copy() for identity, group in self._groups.items()}
        made._inverse = {identity: group.copy() for identity, group in self._inverse.items()}
        copies = {group: made._groups[identity] for identity, group in self._groups.items()}
        made._by_owner = {number: [copies[each] for each in own] for number, own in self._by_owner.items()}
        made._domains = dict(self._domains)
        return made

    def update(self, number: int, pod: PodShape) -> None:
        """Let the rules of a pod be those that it has now, after it gave up a wish or took it back."""
        for group in self._by_owner.pop(number, ()):
            group.owners.discard(number)
        if pod.anti_affinity or pod.preferred_anti_affinity:
            for term in pod.anti_affinity:
                self._own(self._inverse, number, self._of_term(ANTI_AFFINITY, term, pod), pod)
        for group in self._wanted(pod):
            known = self._own(self._groups, number, group, pod)
            self._by_owner.setdefault(number, []).append(known)

    def _own(
        self, groups: dict[bytes, TopologyGroup], number: int, group: TopologyGroup, pod: PodShape
    ) -> TopologyGroup:
        identity = _identity(group)
        known = groups.get(identity)
        if known is None:
            known = groups[identity] = group
            for domain, tainted in self._universe(group.key).items():
                # Without a policy, as in affinity, Karpenter looks at taints here and nowhere else.
                honor = group.node_filter.honor_taints or group.kind != SPREAD
                if not honor or any(all(tolerates(list(pod.tolerations), t) for t in taints) for taints in tainted):
                    known.register(domain)
        known.owners.add(number)
        return known

    def _wanted(self, pod: PodShape) -> Iterator[TopologyGroup]:
        for each in pod.spread:
            terms = tuple(Requirements((*pod.selector, *term)) for term in pod.required)
            node_filter = NodeFilter(
                terms or (Requirements(pod.selector),), each.honor_taints, each.honor_affinity, pod.tolerations
            )
            yield TopologyGroup(
                SPREAD, each.key, (pod.namespace,), each.selector, each.max_skew, each.min_domains, node_filter
            )
        for term in (*pod.affinity, *pod.preferred_affinity):
            yield self._of_term(AFFINITY, term, pod)
        for term in (*pod.anti_affinity, *pod.preferred_anti_affinity):
            yield self._of_term(ANTI_AFFINITY, term, pod)

    @staticmethod
    def _of_term(kind: str, term: AffinityTerm, pod: PodShape) -> TopologyGroup:
        return TopologyGroup(kind, term.key, term.namespaces or (pod.namespace,), term.selector)

    def _universe(self, key: str) -> dict[str, list[tuple[Taint, ...]]]:
        """Return the domains of a label, each with the taints of the pools that offer it."""
        if key not in self._domains:
            found: dict[str, list[tuple[Taint, ...]]] = {}
            for template in self.templates:
                if template.all_options:
                    for value in _domains_of(template, key):
                        found.setdefault(value, []).append(template.pool.taints)
            self._domains[key] = found
        return self._domains[key]

    @property
    def has_zones(self) -> bool:
        """Return whether some rule has domains of more than one node."""
        return any(group.key != HOSTNAME for group in (*self._groups.values(), *self._inverse.values()))

    def register_host(self, name: str) -> None:
        """Make a new node known as a domain of its own."""
        for group in (*self._groups.values(), *self._inverse.values()):
            if group.key == HOSTNAME:
                group.register(name)

    def record(self, number: int, pod: PodShape, taints: Iterable[Taint], requirements: Requirements) -> None:
        """Count a pod that was put on a node."""
        taken = tuple(taints)
        for group in self._groups.values():
            if group.counts(pod, taken, requirements):
                values = requirements.get(group.key).values
                if group.kind == ANTI_AFFINITY or (len(values) == 1 and not requirements.get(group.key).complement):
                    for value in values:
                        group.record(value)
        for group in self._inverse.values():
            if number in group.owners:
                for value in requirements.get(group.key).values:
                    group.record(value)

    def narrowings(
        self, number: int, pod: PodShape, taints: tuple[Taint, ...], node: Requirements
    ) -> Iterator[list[Requirement]]:
        """Yield what a node must have so that the pod may go there; nothing where it may not."""
        groups = list(self._by_owner.get(number, ()))
        groups += [group for group in self._inverse.values() if group.counts(pod, taints, node)]
        if not groups:
            yield []
            return
        options = []
        for group in groups:
            pod_domains = pod.strict.get(group.key)
            found = group.choices(pod, pod_domains, node.get(group.key))
            if not found:
                return
            options.append(found)
        for chosen in islice(product(*options), _MOST_CHOICES):
            yield list(chosen)


def _domains_of(template: NodeTemplate, key: str) -> set[str]:
    """Return the values of a label that nodes of a pool may have; values that the pool excludes count as well."""
    own = template.pool.requirements
    of_pool = own.get(key).values if key in own else frozenset()
    found: set[str] = set(of_pool) if own.get(key).operator == "In" else set()
    for label in {option.label(key) for option in template.all_options}:
        found.update(of_pool if label is None else label.intersection(own.get(key)).values)
    return found


def _identity(group: TopologyGroup) -> bytes:
    """Return what Karpenter takes for the same rule: of the nodes that count it compares the labels, not the values."""
    node_filter = group.node_filter
    return orjson.dumps(
        [
            group.kind,
            group.key,
            sorted(group.namespaces),
            group.max_skew,
            group.selector,
            sorted(sorted(each.key for each in term) for term in node_filter.alternatives),
            node_filter.honor_taints,
            node_filter.honor_affinity,
            sorted(orjson.dumps(each, option=orjson.OPT_SORT_KEYS).decode() for each in node_filter.tolerations),
        ],
        option=orjson.OPT_SORT_KEYS,
    )
