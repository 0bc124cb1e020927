"""What the base of a workload says of its engine in `engine.yaml`, beside its manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import UserError
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import text

FILE = "engine.yaml"
"""What a base of `bases/serving` says about its engine, beside its kustomization."""


def declarations(manifest: Manifest) -> Iterator[Mapping[str, Any]]:
    """Yield what the bases of a rendered resource say of their engines; mostly one or none."""
    repository = manifest.repository
    for layer in repository.kustomizations.tree(manifest.target).layers:
        path = f"{layer.folder}/{FILE}" if layer.folder else FILE
        if not repository.files.is_file(path):
            continue
        try:
            content = repository.files.documents(path)
        except UserError:
            continue
        if content and isinstance(content[0], dict):
            yield content[0]


def declared_version(manifest: Manifest, release: str | None) -> str | None:
    """Return the engine's version that the base of a resource says is in its image; None where none is said of it.

    Args:
        manifest: A rendered resource.
        release: What the image's tag names, which the base's statement must be about.
    """
    for declaration in declarations(manifest):
        about = text(declaration, "version-of")
        if about and about == release:
            return text(declaration, "version") or None
    return None
