"""Finding what references name, and asking the graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from modelyard.graph.edges import Choice, Definition, Edge, End, ObjectRef, Reference, Selection, State
from modelyard.view.labels import LabelIndex

_Key = tuple[str, str]
"""Kind and namespace."""


class Index:
    """Everything that can be named or selected; each question costs what it finds, not what there is.

    Args:
        elsewhere: From a namespace to why it may hold more than is known; empty when it does not.
    """

    def __init__(self, elsewhere: Callable[[str], str]) -> None:
        self._elsewhere = elsewhere
        self._reasons: dict[str, str] = {}
        self._named: dict[ObjectRef, list[End]] = {}
        self._open: set[ObjectRef] = set()
        self._labelled: dict[_Key, LabelIndex[End]] = defaultdict(LabelIndex)
        self._namespaces: dict[str, set[str]] = defaultdict(set)
        self._chosen: dict[ObjectRef, tuple[End, ...]] = {}

    def add(self, definition: Definition) -> None:
        """Take up a definition."""
        node = definition.end.node
        kind = definition.selected_as or node.kind
        if not definition.selected_as:
            self._named.setdefault(node, []).append(definition.end)
        if definition.open:
            self._open.add(node)
        if definition.labels is None:
            return
        self._namespaces[kind].add(node.namespace)
        self._labelled[kind, node.namespace].add(definition.labels, definition.end)

    def named(self, node: ObjectRef) -> list[End]:
        """Return what carries a name."""
        return self._named.get(node, [])

    def names(self, kind: str, namespace: str = "") -> set[str]:
        """Return the names that things of a kind have in a namespace."""
        return {node.name for node in self._named if node.kind == kind and node.namespace == namespace}

    def selected(self, selection: Selection) -> tuple[End, ...]:
        """Return what a selection chooses."""
        found: list[End] = []
        namespaces = self._namespaces[selection.kind] if selection.namespaces is None else selection.namespaces
        for namespace in sorted(namespaces):
            if (selection.kind, namespace) in self._labelled:
                found.extend(self._labelled[selection.kind, namespace].chosen(selection.selector))
        return tuple(found)

    def edge(self, reference: Reference) -> Edge:
        """Return a reference with what it leads to."""
        wanted = reference.wanted
        if isinstance(wanted, Selection):
            targets = self.selected(wanted)
            node = wanted.node
        elif isinstance(wanted, Choice):
            node = wanted.node
            if node not in self._chosen:
                self._chosen[node] = tuple(wanted.choose(self))
            targets = self._chosen[node]
        else:
            node, targets = wanted, tuple(self.named(wanted))
            if not targets and wanted.part and wanted.whole in self._open:
                return Edge(reference, tuple(self.named(wanted.whole)), State.UNKNOWN, f"{wanted.whole} has open parts")
        if not targets:
            return self._lost(reference, node)
        if len(targets) > 1 and (reference.single or isinstance(wanted, ObjectRef)):
            return Edge(reference, targets, State.AMBIGUOUS, f"{len(targets)} answer to it")
        return Edge(reference, targets, State.RESOLVED)

    def _lost(self, reference: Reference, node: ObjectRef) -> Edge:
        reason = reference.elsewhere
        # Of what has no namespace an extractor knows who may bring it.
        if not reason and node.namespace and not (node.part and self.named(node.whole)):
            if node.namespace not in self._reasons:
                self._reasons[node.namespace] = self._elsewhere(node.namespace)
            reason = self._reasons[node.namespace]
        if reason:
            return Edge(reference, (), State.UNKNOWN, f"{reason} may bring it")
        return Edge(reference, (), State.DANGLING, "nothing answers to it")


class Graph:
    """The edges of one environment.

    Attributes:
        edges: In the order of what says them.
        index: What is defined.
    """

    def __init__(self, edges: tuple[Edge, ...], index: Index) -> None:
        self.edges = edges
        self.index = index

    @cached_property
    def _by_relation(self) -> Mapping[str, list[Edge]]:
        found: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            found[edge.relation].append(edge)
        return found

    @cached_property
    def _from(self) -> Mapping[ObjectRef, list[Edge]]:
        found: dict[ObjectRef, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            found[edge.source.node.whole].append(edge)
        return found

    @cached_property
    def _to(self) -> Mapping[ObjectRef, list[Edge]]:
        found: dict[ObjectRef, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            for node in edge.reached:
                found[node].append(edge)
        return found

    def of(self, relation: str, state: State | None = None) -> Iterator[Edge]:
        """Yield the edges of a relation, of one state when it is given."""
        return (edge for edge in self._by_relation.get(relation, ()) if state is None or edge.state == state)

    def out_of(self, node: ObjectRef) -> list[Edge]:
        """Return what an object says of others."""
        return self._from.get(node.whole, [])

    def into(self, node: ObjectRef) -> list[Edge]:
        """Return what others say of an object."""
        return self._to.get(node.whole, [])

    def contested(self, relation: str) -> Iterator[tuple[ObjectRef, list[Edge]]]:
        """Yield each object that several others lead to by a relation of which there should be one."""
        for node, edges in self._to.items():
            those = [edge for edge in edges if edge.relation == relation]
            if len({edge.source.node.whole for edge in those}) > 1:
                yield node, those

    @property
    def nodes(self) -> list[ObjectRef]:
        """Return every object at an end of an edge, in order of name."""
        return sorted({*self._from, *self._to})


def shadowed(edges: list[Edge]) -> list[Edge]:
    """Return the edges, those marked that a later one of the same object and slot hides."""
    last: dict[tuple[ObjectRef, str], int] = {}
    for position, edge in enumerate(edges):
        if edge.reference.slot:
            last[edge.source.node, edge.reference.slot] = position
    return [
        edge
        if not edge.reference.slot or last[edge.source.node, edge.reference.slot] == position
        else Edge(edge.reference, edge.targets, State.SHADOWED, f"a later one fills {edge.reference.slot}")
        for position, edge in enumerate(edges)
    ]
