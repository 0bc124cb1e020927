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
    """A claim that names a volume waits for that one alone, and is never bound where it is not there or differs."""
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
                message=f"{claim} waits for PersistentVolume {name}, which the environment does not have",
                fix=f"name {near}" if near else "name a volume that is there, or leave it out",
            )
            continue
        yield from _differing(claim, volume)
    for volume in volumes.values():
        reference = volume.mapping("spec.claimRef")
        namespace, name = text(reference, "namespace"), text(reference, "name")
        here = {claimed for space, claimed in claims if space == namespace}
        if name and here and name not in here and environment.is_ours(volume) and (near := nearest(name, here)):
            yield Finding(
                at=volume.at("spec.claimRef.name"),
                message=f"{volume} is kept for the claim {namespace}/{name}, which the environment does not have",
                fix=f"name {near}",
            )


def _differing(claim: Manifest, volume: Manifest) -> Iterator[Finding]:
    lacking = [each for each in listed(claim.value, "spec", "accessModes") if each not in _modes(volume)]
    if lacking:
        yield Finding(
            at=claim.at("spec.accessModes"),
            message=f"{claim} asks {volume} for {both(lacking)}, which it does not offer",
            fix=f"write {both(_modes(volume))}",
        )
    asked, has = claim.get("spec.resources.requests.storage"), volume.get("spec.capacity.storage")
    wanted, there = quantity(asked), quantity(has)
    if wanted is not None and there is not None and wanted > there:
        yield Finding(
            at=claim.at("spec.resources.requests.storage"),
            message=f"{claim} asks {volume} for {asked}, and it has {has}",
            fix=f"write {has}",
        )
    classes = [str(each.get("spec.storageClassName", "") or "") for each in (claim, volume)]
    if claim.has("spec.storageClassName") and classes[0] != classes[1]:
        yield Finding(
            at=claim.at("spec.storageClassName"),
            message=f'{claim} has the storage class "{classes[0]}", and {volume} "{classes[1]}"',
            fix=f'write "{classes[1]}"',
        )


def _modes(volume: Manifest) -> list[str]:
    return [str(each) for each in listed(volume.value, "spec", "accessModes")]
