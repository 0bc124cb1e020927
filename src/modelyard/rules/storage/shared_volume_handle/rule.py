"""Persistent volumes that share a handle."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest


@rule("storage/shared-volume-handle", error, since="0.1.0")
def shared_volume_handle(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The kubelet identifies volumes by handle: with the same handle, a pod that mounts both gets only one."""
    first: dict[tuple[str, str], Manifest] = {}
    for manifest in environment.of_kind("PersistentVolume", ""):
        driver, handle = manifest.get("spec.csi.driver"), manifest.get("spec.csi.volumeHandle")
        if not driver or not handle:
            continue
        other = first.setdefault((str(driver), str(handle)), manifest)
        if other is not manifest:
            yield Finding(
                at=manifest.at("spec.csi.volumeHandle"),
                message=f"{manifest} and {other} have the same volume handle {handle} of {driver}",
                fix=f"give each its own, such as {manifest.name if manifest.name != handle else f'{handle}-2'}",
            )
