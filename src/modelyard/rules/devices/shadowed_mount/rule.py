"""Volumes over what the NVIDIA parts of a node mount into a container."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import MPS, placements, plugin_configurations, sharing_of
from modelyard.rules import rule
from modelyard.view import Container, Environment, PodTemplate, entries, mapping, text

_GPU = "nvidia.com/gpu"
_MEMORY = "/dev/shm"  # noqa: S108 - a path in the pod
_CLAIM_KINDS = ("ResourceClaimTemplate", "ResourceClaim")


@rule("devices/shadowed-mount", error, since="0.1.0")
def shadowed_mount(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A volume of the pod at /dev/shm hides the shared memory of the MPS daemon, and CUDA does not start."""
    configurations = plugin_configurations(environment)
    shared = {pool.name for pool in environment.pools if sharing_of(pool, configurations).strategy == MPS}
    claims = _claims_with_mps(environment)
    if not shared and not claims:
        return
    for found in placements(environment):
        pool = next((each.pool for each in found.accepting if each.pool in shared), "")
        claim = next((name for name in _claimed(found.template) if name in claims), "")
        for container in found.template.containers:
            at = _mount(container)
            if at is None or found.daemon:
                continue
            if (pool and container.requested(_GPU)) or (claim and mapping(container.value, "resources").get("claims")):
                source = f"nodes of node pool {pool}" if pool else f"the driver, for the claim {claim},"
                yield Finding(
                    at=container.at("volumeMounts", at, "mountPath"),
                    message=f"{container} mounts a volume at {_MEMORY}, where {source} mount the memory of the "
                    "MPS daemon",
                    fix="remove that mount: a single rank needs no shared memory",
                )


def _mount(container: Container) -> int | None:
    for index, each in enumerate(entries(container.value, "volumeMounts")):
        if text(each, "mountPath").rstrip("/") == _MEMORY:
            return index
    return None


def _claims_with_mps(environment: Environment) -> set[str]:
    found = set()
    for kind in _CLAIM_KINDS:
        for manifest in environment.of_kind(kind, "resource.k8s.io"):
            spec = manifest.mapping("spec.spec" if kind == "ResourceClaimTemplate" else "spec")
            for config in entries(spec, "devices", "config"):
                if mapping(config, "opaque", "parameters", "sharing").get("strategy") == "MPS":
                    found.add(manifest.name)
    return found


def _claimed(template: PodTemplate) -> Iterator[str]:
    for each in entries(template.spec, "resourceClaims"):
        yield text(each, "resourceClaimTemplateName") or text(each, "resourceClaimName")
