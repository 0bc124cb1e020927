"""Which resource of the one side is which of the other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.diffing.values import equal
from modelyard.repository.kustomization import FILE_NAMES
from modelyard.view import Manifest

# Kustomize appends ten characters of a digest, written in letters and digits that spell no words.
_HASHED = re.compile(r"(.+)-[2456789bcdfghkmt]{10}")
_HASHED_KINDS = frozenset({"ConfigMap", "Secret"})
# Annotations and labels that follow from what is compared anyway.
_DERIVED_ANNOTATIONS = frozenset({"argocd.argoproj.io/manifest-generate-paths"})
_DERIVED_LABELS = frozenset({"helm.sh/chart", "app.kubernetes.io/managed-by"})
# Resources of which at least this share is the same under another name are called renamed.
_RENAMED_SHARE = 0.5

Key = tuple[str, str, str, str]
"""API group, kind, namespace and name: what Argo CD tells objects apart by."""


@dataclass(frozen=True, slots=True)
class Item:
    """A resource ready to be compared.

    Attributes:
        manifest: The resource.
        key: Its identity, without the hash of a generated name.
        value: Its manifest, with hashes of generated names and derived annotations taken out.
        hashed: Whether its own name carries a hash of its content.
    """

    manifest: Manifest
    key: Key
    value: dict[str, Any]
    hashed: bool

    @property
    def name(self) -> str:
        """Return its name without a hash."""
        return self.key[3]


def items(manifests: Iterable[Manifest], namespace: str) -> dict[Key, Item]:
    """Return the resources of an Application by identity; `namespace` is where those without one go."""
    held = list(manifests)
    stems = _stems(held)
    found: dict[Key, Item] = {}
    for manifest in held:
        value = _without_noise(_replaced(manifest.value, stems))
        hashed = manifest.kind in _HASHED_KINDS and manifest.name in stems
        name = stems.get(manifest.name, manifest.name) if manifest.kind in _HASHED_KINDS else manifest.name
        key = (manifest.group, manifest.kind, manifest.namespace or namespace, name)
        while key in found:  # two resources of one name are a finding of check; here both are shown
            key = (*key[:3], f"{key[3]} (again)")
        found[key] = Item(manifest, key, value, hashed)
    return found


def _stems(manifests: Sequence[Manifest]) -> dict[str, str]:
    """Return generated names with their hash, to the names without it; none where two would become one."""
    stems = {
        manifest.name: match[1]
        for manifest in manifests
        if manifest.kind in _HASHED_KINDS
        and (manifest.resource.origin or "").rpartition("/")[2] in FILE_NAMES
        and (match := _HASHED.fullmatch(manifest.name))
    }
    taken = Counter(stems.get(manifest.name, manifest.name) for manifest in manifests if manifest.kind in _HASHED_KINDS)
    return {name: stem for name, stem in stems.items() if taken[stem] == 1}


def _replaced(value: Any, stems: dict[str, str]) -> Any:
    if not stems:
        return value
    if isinstance(value, dict):
        return {key: _replaced(item, stems) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, stems) for item in value]
    return stems.get(value, value) if isinstance(value, str) else value


def _without_noise(value: dict[str, Any]) -> dict[str, Any]:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return value
    cleaned = dict(metadata)
    for field_name, derived in (("annotations", _DERIVED_ANNOTATIONS), ("labels", _DERIVED_LABELS)):
        entries = metadata.get(field_name)
        if isinstance(entries, dict) and not derived.isdisjoint(entries):
            kept = {key: item for key, item in entries.items() if key not in derived}
            cleaned[field_name] = kept
            if not kept:
                del cleaned[field_name]
    return {**value, "metadata": cleaned}


def renames(removed: Sequence[Item], added: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    """Yield each removed resource with the added one that is the same under another name or namespace."""
    free = list(added)
    for old in removed:
        for new in free:
            if old.key[:2] == new.key[:2] and equal(_nameless(old.value, old.name), _nameless(new.value, new.name)):
                free.remove(new)
                yield old, new
                break


def same_under_another_name(before: dict[Key, Item], name_before: str, after: dict[Key, Item], name_after: str) -> bool:
    """Return whether two Applications hold mostly the same, each under its own name."""
    if not before or not after:
        return False
    first = [(key[:2], _nameless(item.value, name_before)) for key, item in before.items()]
    second = [(key[:2], _nameless(item.value, name_after)) for key, item in after.items()]
    same = 0
    for entry in first:
        if entry in second:
            second.remove(entry)
            same += 1
    return same >= _RENAMED_SHARE * max(len(before), len(after))


def _nameless(value: Any, name: str) -> Any:
    """Return a value in which the name, where it stands alone, is the same for everybody."""
    if isinstance(value, dict):
        return {key: _nameless(item, name) for key, item in value.items() if key != "namespace"}
    if isinstance(value, list):
        return [_nameless(item, name) for item in value]
    if isinstance(value, str) and name and name in value:
        return re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", "\0", value)
    return value
