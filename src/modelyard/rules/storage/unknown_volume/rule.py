"""Claims and volumes that name each other, and are not bound."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both, nearest
from modelyard.view import Environment, Manifest, listed, quantity, text

_CLAIM, _VOLUME = "PersistentVolumeClaim", "PersistentVolume"


@rule("storage/unknown-volume", error, since="0.3.0", absence="cluster")
def unknown_volume(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A claim with a volume name binds only to that volume, so it stays Pending if the volume is missing or differs."""
    volumes = {each.name: each for each in environment.of_kind(_VOLUME, "")}
    claims = {(environment.namespace_of(each), each.name): each for each in environment.of_kind(_CLAIM, "")}
    for claim in claims.values():
        name = str(claim.get("spec.volumeName", ""))
        if not name or not environment.is_ours(claim):
            continue
        volume = volumes.get(name)
        if volume is None:
            near = nearest(name, volumes)
            yield Finding(
                at=claim.at("spec.volumeName"),
                message=f"{claim} waits for PersistentVolume {name}, which does not exist in this environment",
                fix=f"use {near}" if near else "use an existing volume, or remove volumeName",
            )
            continue
        yield from _differing(claim, volume)
    for volume in volumes.values():
        reference = volume.mapping("spec.claimRef")
        namespace, name = text(reference, "namespace"), text(reference, "name")
        here = {claimed for space, claimed in claims if space == namespace}
        by_name = [
            (space, claim.name) for (space, _), claim in claims.items() if claim.get("spec.volumeName") == volume.name
        ]
        if not name or (namespace, name) in claims or not environment.is_ours(volume):
            continue
        if by_name:
            space, claimed = by_name[0]
            field = "namespace" if namespace != space and text(reference, "namespace") else "name"
            yield Finding(
                at=volume.at(f"spec.claimRef.{field}"),
                message=f"{volume} is reserved for the claim {namespace}/{name}, but {space}/{claimed} is the claim "
                "that names it, and waits for ever",
                fix=f"write {space if field == 'namespace' else claimed}",
            )
        elif here and (near := nearest(name, here)):
            yield Finding(
                at=volume.at("spec.claimRef.name"),
                message=f"{volume} is reserved for the claim {namespace}/{name}, which does not exist in this "
                "environment",
                fix=f"name {near}",
            )


def _differing(claim: Manifest, volume: Manifest) -> Iterator[Finding]:
    lacking = [each for each in listed(claim.value, "spec", "accessModes") if each not in _modes(volume)]
    if lacking:
        yield Finding(
            at=claim.at("spec.accessModes"),
            message=f"{claim} requests {both(lacking)} from {volume}, which does not offer it",
            fix=f"write {both(_modes(volume))}",
        )
    asked, has = claim.get("spec.resources.requests.storage"), volume.get("spec.capacity.storage")
    wanted, there = quantity(asked), quantity(has)
    if wanted is not None and there is not None and wanted > there:
        yield Finding(
            at=claim.at("spec.resources.requests.storage"),
            message=f"{claim} requests {asked} from {volume}, which has {has}",
            fix=f"write {has}",
        )
    classes = [str(each.get("spec.storageClassName", "") or "") for each in (claim, volume)]
    if claim.has("spec.storageClassName") and classes[0] != classes[1]:
        yield Finding(
            at=claim.at("spec.storageClassName"),
            message=f'{claim} has the storage class "{classes[0]}", but {volume} has "{classes[1]}"',
            fix=f'write "{classes[1]}"',
        )


def _modes(volume: Manifest) -> list[str]:
    return [str(each) for each in listed(volume.value, "spec", "accessModes")]
