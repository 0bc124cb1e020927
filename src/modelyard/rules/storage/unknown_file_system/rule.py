"""Volumes and classes of a file system that is not said, or cannot be one."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.view import Environment, Manifest

_FILE_SYSTEM = re.compile(r"fs-[0-9a-f]{8,40}(:.*)?$")
_HOST = re.compile(r"fs-[0-9a-f]{8,40}\.fsx\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$")
_MOUNT_NAME = re.compile(r"[A-Za-z0-9_]{1,8}$")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$|arn:aws[a-z-]*:s3.*")
# What each CSI driver needs to find what it mounts: where it is said, and what it looks like.
_OF_VOLUMES: dict[str, tuple[tuple[Path, re.Pattern[str], str], ...]] = {
    "efs.csi.aws.com": ((("spec", "csi", "volumeHandle"), _FILE_SYSTEM, "the id of a file system, fs-…"),),
    "fsx.csi.aws.com": (
        (("spec", "csi", "volumeHandle"), _FILE_SYSTEM, "the id of a file system, fs-…"),
        (("spec", "csi", "volumeAttributes", "dnsname"), _HOST, "its DNS name, fs-….fsx.<region>.amazonaws.com"),
        (("spec", "csi", "volumeAttributes", "mountname"), _MOUNT_NAME, "its mount name"),
    ),
    "s3.csi.aws.com": ((("spec", "csi", "volumeAttributes", "bucketName"), _BUCKET, "the name of a bucket"),),
}
_OF_CLASSES: dict[str, tuple[tuple[Path, re.Pattern[str], str], ...]] = {
    "efs.csi.aws.com": ((("parameters", "fileSystemId"), _FILE_SYSTEM, "the id of a file system, fs-…"),),
}


@rule("storage/unknown-file-system", error, since="0.1.0")
def unknown_file_system(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A CSI driver cannot mount an invalid file system id or bucket name, and the pods never start."""
    for manifest in environment.of_kind("PersistentVolume", ""):
        yield from _said(manifest, _OF_VOLUMES.get(str(manifest.get("spec.csi.driver", "")), ()))
    for manifest in environment.of_kind("StorageClass", "storage.k8s.io"):
        yield from _said(manifest, _OF_CLASSES.get(str(manifest.get("provisioner", "")), ()))


def _said(manifest: Manifest, needed: tuple[tuple[Path, re.Pattern[str], str], ...]) -> Iterator[Finding | NotChecked]:
    missing = [what for path, _, what in needed if not manifest.get(path)]
    if missing:
        yield NotChecked(
            manifest,
            f"{missing[0]} is not set yet",
            fix="run Terraform, then modelyard env sync",
            application=manifest.application,
        )
        return
    for path, pattern, what in needed:
        value = str(manifest.get(path))
        if not pattern.match(value):
            yield Finding(
                at=manifest.at(path),
                message=f"{manifest} has {value!r} as {path[-1]}, expected {what}",
                fix="take it from Terraform's outputs (modelyard env sync)",
            )
