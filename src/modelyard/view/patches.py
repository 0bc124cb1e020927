"""Kustomize's patches with what they apply to, which Kustomize itself never tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelyard.findings import Address, UserError
from modelyard.rendering.selectors import selects
from modelyard.repository import Kustomization, Repository, joined
from modelyard.repository.yaml import documents
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import entries


@dataclass(frozen=True)
class Patch:
    """One entry with a `target` under a kustomization's `patches`.

    Attributes:
        layer: The kustomization.
        key: `patches` or `patchesJson6902`.
        index: Its position there.
        target: Its `target`.
        matches: Whether it chooses at least one resource.
    """

    layer: Kustomization
    key: str
    index: int
    target: dict[str, Any]
    matches: bool

    @property
    def by_label(self) -> bool:
        """Return whether it chooses by labels or annotations, which resources may gain later."""
        return bool(self.target.get("labelSelector") or self.target.get("annotationSelector"))

    @property
    def selection(self) -> str:
        """Return what it chooses, in words such as `Deployment serving`."""
        kind, name = str(self.target.get("kind") or ""), str(self.target.get("name") or "")
        return " ".join(word for word in (kind, name) if word) or "any resource"

    def at(self, repository: Repository) -> Address:
        """Return the address of the target's name, else of the target."""
        path = (self.key, self.index, "target")
        return self.layer.at(*path, *(("name",) if "name" in self.target else ()), files=repository.files)


@dataclass
class Origins:
    """The names that resources had before they were renamed; one object serves a whole check of an environment."""

    _known: dict[tuple[Repository, str], list[tuple[str, str]]] = field(default_factory=dict)

    def names(self, manifest: Manifest) -> frozenset[str]:
        """Return every name that a resource may have had while it was built."""
        origin = manifest.resource.origin
        listed = self._listed(manifest.repository, origin) if origin else []
        return frozenset({manifest.name, *(name for kind, name in listed if kind == manifest.kind)})

    def _listed(self, repository: Repository, file: str) -> list[tuple[str, str]]:
        """Return kind and name of all that a file, or a kustomization's generators, bring."""
        key = (repository, file)
        if key not in self._known:
            self._known[key] = list(_listed(repository, file))
        return self._known[key]


def _listed(repository: Repository, file: str) -> Iterator[tuple[str, str]]:
    try:
        contents = repository.files.documents(file)
    except UserError:
        return
    for content in contents:
        if not isinstance(content, dict):
            continue
        for generator, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
            for entry in entries(content, generator):
                yield kind, str(entry.get("name") or "")
        items = content.get("items") if content.get("kind") == "List" else None
        for each in items if isinstance(items, list) else [content]:
            metadata = each.get("metadata") if isinstance(each, dict) else None
            if isinstance(metadata, dict):
                yield str(each.get("kind") or ""), str(metadata.get("name") or "")


def patches(repository: Repository, target: str, manifests: Sequence[Manifest], origins: Origins) -> Iterator[Patch]:
    """Yield the patches of a rendered target that name what they are for.

    Args:
        repository: Where the target is.
        target: The folder that was rendered.
        manifests: What it renders to.
        origins: Former names.
    """
    layers = repository.kustomizations.tree(target).layers
    deleted = [each for layer in layers for each in _deleted(repository, layer)]
    for layer in layers:
        for key in ("patches", "patchesJson6902"):
            for index, entry in enumerate(layer.entries(key)):
                chosen = entry.get("target") if isinstance(entry, dict) else None
                if isinstance(chosen, dict):
                    matches = any(selects(chosen, manifest.value, origins.names(manifest)) for manifest in manifests)
                    gone = any(selects(chosen, value, frozenset({name})) for value, name in deleted)
                    yield Patch(layer, key, index, chosen, matches or gone)


def _deleted(repository: Repository, layer: Kustomization) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the resources that a kustomization takes away, which the rendering no longer shows."""
    entries = [each for each in layer.entries("patches") if isinstance(each, dict)]
    texts = [str(each["patch"]) for each in entries if each.get("patch")]
    paths = [each.get("path") for each in entries] + [
        each for each in layer.entries("patchesStrategicMerge") if isinstance(each, str)
    ]
    for path in paths:
        whole = joined(layer.folder, path) if isinstance(path, str) and "\n" not in path else None
        if whole and repository.files.is_file(whole):
            texts.append(repository.files.text(whole))
    for text in texts:
        if "$patch" not in text:
            continue
        try:
            contents = documents(layer.file, text)
        except UserError:
            continue
        for content in contents:
            if isinstance(content, dict) and content.get("$patch") == "delete":
                yield content, str((content.get("metadata") or {}).get("name") or "")
