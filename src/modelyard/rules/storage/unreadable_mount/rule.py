"""Buckets mounted as files that only root may read."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, PodTemplate, entries, mapping, text

_DRIVER = "s3.csi.aws.com"
_FOR_ALL = "allow-other"


@rule("storage/unreadable-mount", error, since="0.1.0")
def unreadable_mount(environment: Environment) -> Iterator[Finding | NotChecked]:
    """By default only root can read a Mountpoint volume, so an engine with another user cannot load its weights."""
    buckets = {
        manifest.name: manifest
        for manifest in environment.of_kind("PersistentVolume", "")
        if manifest.get("spec.csi.driver") == _DRIVER
    }
    volumes = {
        (environment.namespace_of(claim), claim.name): buckets[str(claim.get("spec.volumeName"))]
        for claim in environment.of_kind("PersistentVolumeClaim", "")
        if claim.get("spec.volumeName") in buckets
    }
    told: set[str] = set()
    for namespace, templates in environment.pods_by_namespace.items():
        for template in templates:
            for claim in _claims(template):
                found = volumes.get((namespace, claim))
                if found is None or found.name in told or _is_for_all(found) or not _is_a_user(template):
                    continue
                told.add(found.name)
                yield Finding(
                    at=found.at("spec.mountOptions"),
                    message=f"{found} is mounted without {_FOR_ALL}, but {template} do not run as root",
                    fix=f"add {_FOR_ALL}, uid and gid to mountOptions",
                )


def _claims(template: PodTemplate) -> Iterator[str]:
    for volume in entries(template.spec, "volumes"):
        claim = text(mapping(volume, "persistentVolumeClaim"), "claimName")
        if claim:
            yield claim


def _is_for_all(volume: Manifest) -> bool:
    options = volume.get("spec.mountOptions")
    return isinstance(options, list) and _FOR_ALL in options


def _is_a_user(template: PodTemplate) -> bool:
    contexts = [mapping(template.spec, "securityContext")]
    contexts += [mapping(container.value, "securityContext") for container in template.containers]
    return any(each.get("runAsNonRoot") is True or each.get("runAsUser") not in (None, 0) for each in contexts)
