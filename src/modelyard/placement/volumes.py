"""What volumes require of the node, by the rules of Karpenter's scheduling/volumetopology.go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.placement.requirements import Requirement, Requirements, expressions, requirement
from modelyard.view import Environment, Manifest, entries
from modelyard.view.shapes import listed


@dataclass(frozen=True)
class Storage:
    """The volumes of one environment.

    Attributes:
        claims: PersistentVolumeClaims by namespace and name.
        volumes: PersistentVolumes by name.
        classes: StorageClasses by name.
    """

    claims: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    classes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def storage(environment: Environment) -> Storage:
    """Return the volumes that an environment's resources describe."""
    return Storage(
        {
            (environment.namespace_of(manifest), manifest.name): manifest.value
            for manifest in environment.of_kind("PersistentVolumeClaim", "")
        },
        {manifest.name: manifest.value for manifest in environment.of_kind("PersistentVolume", "")},
        {manifest.name: manifest.value for manifest in environment.of_kind("StorageClass", "storage.k8s.io")},
    )


def volume_requirements(spec: Mapping[str, Any], namespace: str, known: Storage) -> tuple[Requirements, ...]:
    """Return what the volumes of a pod require of its node: any one of these; empty where they require nothing.

    Alternatives of several volumes are combined; combinations that contradict themselves are left out where others
    remain.
    """
    return _combined(_alternatives(claim, known) for claim in _claims(spec, namespace, known))


def claim_templates(manifest: Manifest) -> list[Mapping[str, Any]]:
    """Return the claims that a StatefulSet makes for each of its pods."""
    return list(manifest.entries("spec.volumeClaimTemplates"))


def with_claim_templates(
    found: tuple[Requirements, ...], templates: list[Mapping[str, Any]], known: Storage
) -> tuple[Requirements, ...]:
    """Return what volumes require, those of claims that are made for each pod included."""
    parts = [list(found)] if found else []
    parts += [_alternatives(each, known) for each in templates]
    return _combined(parts)


def _combined(parts: Any) -> tuple[Requirements, ...]:
    alternatives: list[Requirements] = []
    for part in parts:
        if not part:
            continue
        if not alternatives:
            alternatives = list(part)
            continue
        pairs = [(one, other) for one in alternatives for other in part]
        agreeing = [(one, other) for one, other in pairs if one.intersects(other)]
        alternatives = [one.narrowed(other) for one, other in agreeing or pairs]
    return tuple(alternatives)


def _claims(spec: Mapping[str, Any], namespace: str, known: Storage) -> Iterator[Mapping[str, Any]]:
    for volume in entries(spec, "volumes"):
        reference = volume.get("persistentVolumeClaim")
        if isinstance(reference, Mapping):
            claim = known.claims.get((namespace, str(reference.get("claimName", ""))))
            if claim is not None:
                yield claim
        ephemeral = volume.get("ephemeral")
        if isinstance(ephemeral, Mapping) and isinstance(ephemeral.get("volumeClaimTemplate"), Mapping):
            yield ephemeral["volumeClaimTemplate"]


def _alternatives(claim: Mapping[str, Any], known: Storage) -> list[Requirements]:
    spec = claim.get("spec")
    if not isinstance(spec, Mapping):
        return []
    volume = known.volumes.get(str(spec.get("volumeName") or ""))
    if volume is not None:
        return list(_of_volume(volume))
    found = known.classes.get(str(spec.get("storageClassName") or ""))
    return list(_of_class(found)) if found is not None and not spec.get("volumeName") else []


def _of_volume(volume: Mapping[str, Any]) -> Iterator[Requirements]:
    for term in entries(volume, "spec", "nodeAffinity", "required", "nodeSelectorTerms"):
        found = expressions(term.get("matchExpressions"))
        if found:
            yield Requirements(found)


def _of_class(storage_class: Mapping[str, Any]) -> Iterator[Requirements]:
    for term in entries(storage_class, "allowedTopologies"):
        found: list[Requirement] = [
            requirement(str(each.get("key", "")), "In", [str(value) for value in listed(each, "values")])
            for each in entries(term, "matchLabelExpressions")
        ]
        if found:
            yield Requirements(found)
