"""Persistent volumes that share a handle."""

from collections.abc import Iterator

from modelyard.cluster import Environment, Thing
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule


@rule("storage/shared-volume-handle", error, since="0.1.0")
def shared_volume_handle(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The kubelet tells volumes apart by their handle: of two with one, a pod that needs both gets one."""
    first: dict[tuple[str, str], Thing] = {}
    for thing in environment.of_kind("PersistentVolume", ""):
        driver, handle = thing.get("spec.csi.driver"), thing.get("spec.csi.volumeHandle")
        if not driver or not handle:
            continue
        other = first.setdefault((str(driver), str(handle)), thing)
        if other is not thing:
            yield Finding(
                at=thing.at("spec.csi.volumeHandle"),
                message=f"{thing} and {other} have the volume handle {handle} of {driver}",
                fix=f"give each its own, such as {thing.name if thing.name != handle else f'{handle}-2'}",
            )
