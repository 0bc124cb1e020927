"""Shares of GPUs under a name that no pod asks for."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import plugin_configurations, sharing_of
from modelyard.rules import rule
from modelyard.view import Environment

_SHARED = "nvidia.com/gpu.shared"


@rule("devices/renamed-share", error, since="0.1.0")
def renamed_share(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Karpenter starts nodes only for nvidia.com/gpu; a pod never gets shares that have another resource name."""
    configurations = plugin_configurations(environment)
    for pool in environment.pools:
        sharing = sharing_of(pool, configurations)
        if not sharing.renamed:
            continue
        inside = pool.node_class is not None and "kubelet-device-plugins" in str(pool.node_class.get("spec.userData"))
        at = pool.node_class.at("spec.userData") if inside and pool.node_class is not None else pool.manifest.at()
        yield Finding(
            at=at,
            message=f"nodes of {pool} offer their shares as {_SHARED}: Karpenter starts no node for it, and "
            "pods that request nvidia.com/gpu find none on the node that it starts for them",
            fix="set rename-by-default = false"
            if inside
            else "set renameByDefault: false in the configuration of the device plugin",
        )
