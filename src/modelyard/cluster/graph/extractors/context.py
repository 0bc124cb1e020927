"""What extractors may ask beside the resource that they read."""

from __future__ import annotations

from modelyard.cluster.environment import Environment
from modelyard.cluster.graph.edges import End, Node
from modelyard.cluster.scopes import is_namespaced
from modelyard.cluster.things import Thing
from modelyard.rendering import Path


class Context:
    """The environment, as far as names need it.

    Attributes:
        environment: The environment.
        files: Files and folders that are defined already.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.files: set[Node] = set()
        self._scopes: dict[tuple[str, str], bool] = {}
        self._unrendered: str | None = None

    def namespace(self, thing: Thing) -> str:
        """Return the namespace that a resource lands in; empty for what has none."""
        kind = (thing.group, thing.kind)
        if kind not in self._scopes:
            self._scopes[kind] = is_namespaced(*kind) is not False
        return self.environment.namespace_of(thing) if self._scopes[kind] else ""

    def node(self, thing: Thing, part: str = "") -> Node:
        """Return a resource as a node."""
        return Node(thing.kind, thing.name, self.namespace(thing), part)

    def end(self, thing: Thing, path: Path = (), part: str = "") -> End:
        """Return a value of a resource as an end."""
        return End(self.node(thing, part), thing, path)

    def elsewhere(self, namespace: str) -> str:
        """Return what may hold more than is known: what is not rendered, for a namespace or the cluster as a whole."""
        if namespace:
            return self.environment.unrendered_in(namespace)
        if self._unrendered is None:
            found = (each.unrendered for each in self.environment.applications)
            self._unrendered = next((each for each in found if each), "")
        return self._unrendered
