"""What extractors may ask beside the resource that they read."""

from __future__ import annotations

from modelyard.graph.edges import End, ObjectRef
from modelyard.rendering import Path
from modelyard.view.environment import Environment
from modelyard.view.manifests import Manifest
from modelyard.view.scopes import is_namespaced


class Context:
    """The environment, as far as names need it.

    Attributes:
        environment: The environment.
        files: Files and folders that are defined already.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.files: set[ObjectRef] = set()
        self._scopes: dict[tuple[str, str], bool] = {}
        self._unrendered: str | None = None

    def namespace(self, manifest: Manifest) -> str:
        """Return the namespace that a resource lands in; empty for what has none."""
        kind = (manifest.group, manifest.kind)
        if kind not in self._scopes:
            self._scopes[kind] = is_namespaced(*kind) is not False
        return self.environment.namespace_of(manifest) if self._scopes[kind] else ""

    def node(self, manifest: Manifest, part: str = "") -> ObjectRef:
        """Return a resource as a node."""
        return ObjectRef(manifest.kind, manifest.name, self.namespace(manifest), part)

    def end(self, manifest: Manifest, path: Path = (), part: str = "") -> End:
        """Return a value of a resource as an end."""
        return End(self.node(manifest, part), manifest, path)

    def elsewhere(self, namespace: str) -> str:
        """Return what may hold more than is known: what is not rendered, for a namespace or the cluster as a whole."""
        if namespace:
            return self.environment.unrendered_in(namespace)
        if self._unrendered is None:
            found = (each.unrendered for each in self.environment.applications)
            self._unrendered = next((each for each in found if each), "")
        return self._unrendered
