"""Shared memory that does not fit the container."""

from collections.abc import Iterator

from modelyard.cluster import Container, Environment, PodTemplate, quantity
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule


@rule("serving/shm-beyond-memory-limit", warning, since="0.1.0")
def shm_beyond_memory_limit(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Files in a memory-backed volume count as the container's memory, so one as large as the limit kills it."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            for container in template.containers:
                yield from _volumes(template, container)


def _volumes(template: PodTemplate, container: Container) -> Iterator[Finding]:
    resources = container.value.get("resources")
    limits = resources.get("limits") if isinstance(resources, dict) else None
    written = limits.get("memory") if isinstance(limits, dict) else None
    limit = quantity(written)
    mounts = container.value.get("volumeMounts")
    mounted = {mount.get("name") for mount in mounts or () if isinstance(mount, dict)}
    volumes = template.spec.get("volumes")
    for index, volume in enumerate(volumes if isinstance(volumes, list) else ()):
        empty = volume.get("emptyDir") if isinstance(volume, dict) else None
        if not isinstance(empty, dict) or empty.get("medium") != "Memory" or volume.get("name") not in mounted:
            continue
        size = quantity(empty.get("sizeLimit"))
        if limit is not None and size is not None and size >= limit:
            yield Finding(
                at=template.at("volumes", index, "emptyDir", "sizeLimit"),
                message=f"volume {volume.get('name')} of {template} may hold {empty['sizeLimit']} in memory, "
                f"and {container.name} has a limit of {written}",
                fix="make the memory limit larger than the volume and what the engine needs beside it",
            )
