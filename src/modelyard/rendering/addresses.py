"""Where in the repository a value of a rendered resource was set.

Kustomize's annotations give candidates only, and never a line. So the kustomizations of the target are searched from
the last one applied to the first: the last text that sets the path to the value that was rendered is the place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.findings import Place, Precision, UserError
from modelyard.rendering.chart_values import chart_place
from modelyard.rendering.fragments import Fragment, fragments
from modelyard.rendering.model import Resource
from modelyard.rendering.paths import MISSING, Path, counterpart, parse, says, value_at
from modelyard.repository import Kustomization, Repository
from modelyard.repository.addresses import key_node
from modelyard.repository.yaml import Node, ScalarNode, nodes, pieces, place_of, plain


@dataclass(frozen=True, slots=True)
class ResourceAddress:
    """A value of a rendered resource; resolved when it is printed.

    Attributes:
        repository: Where the texts are.
        target: The target that was rendered.
        resource: The resource.
        path: The value's path in the rendered manifest.
        key: Whether the key is meant, not its value.
    """

    repository: Repository
    target: str
    resource: Resource
    path: Path = ()
    key: bool = False

    def place(self) -> Place:
        """Return where the value is set; for an absent one what removed it, or the parent where it belongs."""
        value = value_at(self.resource.value, self.path)
        if self.resource.chart:
            return chart_place(self.repository.files, self.target, self.resource, self.path)
        try:
            sources = Sources(self.repository, self.target, self.resource)
            if value is MISSING:
                return sources.removal(self.path) or self._parent(sources)
            return sources.setting(self.path, value, self.key) or sources.declared(self.path, value) or sources.vague()
        except UserError:
            return Place(self.resource.origin or self.target)

    def _parent(self, sources: Sources) -> Place:
        path = self.path[:-1]
        while path and value_at(self.resource.value, path) is MISSING:
            path = path[:-1]
        return sources.setting(path, value_at(self.resource.value, path), key=True) or sources.vague()


class Sources:
    """The texts that one rendered resource was made of, latest first."""

    def __init__(self, repository: Repository, target: str, resource: Resource) -> None:
        self.repository = repository
        self.files = repository.files
        self.resource = resource
        self.value = resource.value
        self.layers = repository.kustomizations.tree(target).layers
        self.origin_node, self.origin_text, first_name = self._origin()
        metadata = self.value.get("metadata") or {}
        self.names = frozenset({str(metadata.get("name", "")), first_name} - {""})

    def setting(self, path: Path, value: Any, key: bool = False) -> Place | None:
        """Return the last place that sets `path` to `value`."""
        for fragment in self._fragments():
            node = fragment.node_for(path, self.value)
            if node is not None and says(node, value):
                return fragment.place(self._key_of(fragment, path, node) if key else node)
        if self.origin_node is not None and self.resource.origin:
            node = counterpart(self.origin_node, path, self.value)
            if node is not None and (not path or says(node, value)):
                if key and path:
                    parent = counterpart(self.origin_node, path[:-1], self.value)
                    node = (key_node(parent, path[-1]) if parent is not None else None) or node
                return place_of(self.resource.origin, node, self.origin_text)
        return None

    def declared(self, path: Path, value: Any) -> Place | None:
        """Return where the resource's own file has a scalar that something else rewrote, such as a replacement."""
        if self.origin_node is None or not self.resource.origin or not path or isinstance(value, dict | list):
            return None
        node = counterpart(self.origin_node, path, self.value)
        if not isinstance(node, ScalarNode):
            return None
        found = place_of(self.resource.origin, node, self.origin_text)
        return Place(found.file, found.line, found.column, found.end_column, Precision.FILE, found.text)

    def removal(self, path: Path) -> Place | None:
        """Return the patch operation that removes `path`, None when none does."""
        for fragment in self._fragments(removals=True):
            if fragment.path == path:
                return fragment.place(fragment.node)
        return None

    def vague(self) -> Place:
        """Return the file that the resource comes from, for values that no single text sets."""
        origin = self.resource.origin
        if origin is None:
            return Place(self.layers[-1].file, precision=Precision.KUSTOMIZATION)
        generated = any(layer.file == origin for layer in self.layers)
        return Place(origin, precision=Precision.KUSTOMIZATION if generated else Precision.FILE)

    def generated_file(self, key: str) -> str | None:
        """Return the file that a generator put under `data.<key>`, None when it is not a file's content."""
        for layer in reversed(self.layers):
            for entry in layer.entries("configMapGenerator"):
                if not isinstance(entry, dict) or entry.get("name") not in self.names:
                    continue
                files = entry.get("files")
                for item in files if isinstance(files, list) else ():
                    name, _, path = str(item).rpartition("=")
                    if (name or path.rsplit("/", 1)[-1]) == key:
                        return f"{layer.folder}/{path}" if layer.folder else path
        return None

    def _fragments(self, removals: bool = False) -> Iterator[Fragment]:
        for layer in reversed(self.layers):
            yield from fragments(self.files, layer, self.value, self.names, removals=removals)

    def _key_of(self, fragment: Fragment, path: Path, node: Node) -> Node:
        parent = fragment.node_for(path[:-1], self.value) if path else None
        named = key_node(parent, path[-1]) if parent is not None and path else None
        return named or node

    def _origin(self) -> tuple[Node | None, str, str]:
        """Return the document that the resource began as, its text, and the name that it had there."""
        origin = self.resource.origin
        if not origin or not self.files.is_file(origin):
            return None, "", ""
        layer = next((layer for layer in self.layers if layer.file == origin), None)
        if layer is not None:
            return None, "", self._generated_name(layer)
        text = self.files.text(origin)
        wanted = str((self.value.get("metadata") or {}).get("name", ""))
        if self.resource.generated_by:
            return self._template(origin, text), text, ""
        kind = str(self.value.get("kind"))
        candidates: list[tuple[str, Node]] = []
        # Bundles of definitions are megabytes: those that cannot be it are not parsed, the likely ones come first.
        possible = [piece for piece in pieces(text) if kind in piece]
        for piece in sorted(possible, key=lambda each: wanted not in each):
            for root in nodes(origin, piece):
                content = plain(root)
                if isinstance(content, dict) and content.get("kind") == kind:
                    name = str((content.get("metadata") or {}).get("name", ""))
                    if name == wanted:
                        return root, text, name
                    candidates.append((name, root))
        if not candidates:
            return None, text, ""
        name, node = min(candidates, key=lambda candidate: _unlikeness(candidate[0], wanted))
        return node, text, name

    def _template(self, origin: str, text: str) -> Node | None:
        """Return the template of the ApplicationSet that the resource is made by."""
        for root in nodes(origin, text):
            content = plain(root)
            named = content.get("metadata") if isinstance(content, dict) else None
            if isinstance(named, dict) and (content.get("kind"), named.get("name")) == (
                "ApplicationSet",
                self.resource.generated_by,
            ):
                return counterpart(root, ("spec", "template"), content)
        return None

    def _generated_name(self, layer: Kustomization) -> str:
        key = "secretGenerator" if self.value.get("kind") == "Secret" else "configMapGenerator"
        names = [str(entry["name"]) for entry in layer.entries(key) if isinstance(entry, dict) and entry.get("name")]
        wanted = str((self.value.get("metadata") or {}).get("name", ""))
        return min(names, key=lambda name: _unlikeness(name, wanted), default="")


def _unlikeness(name: str, wanted: str) -> tuple[int, int]:
    """Rank names by how probably `wanted` is what a rename made of them: the same, same ending, same beginning."""
    if name == wanted:
        return (0, 0)
    ending = 0
    while ending < min(len(name), len(wanted)) and name[-1 - ending] == wanted[-1 - ending]:
        ending += 1
    return (1 if wanted.startswith(name) else 2, -ending)


def address(repository: Repository, target: str, resource: Resource, path: str | Path) -> ResourceAddress:
    """Return the address of a value of a rendered resource."""
    return ResourceAddress(repository, target, resource, parse(path))
