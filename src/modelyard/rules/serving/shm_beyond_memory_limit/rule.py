"""Shared memory that does not fit the container."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Container, Environment, PodTemplate, entries, mapping, numbered, quantity, text


@rule("serving/shm-beyond-memory-limit", warning, since="0.1.0")
def shm_beyond_memory_limit(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Files in a memory-backed volume count as container memory; a volume as large as the limit causes an OOM kill."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            for container in template.containers:
                yield from _volumes(template, container)


def _volumes(template: PodTemplate, container: Container) -> Iterator[Finding]:
    written = text(container.value, "resources", "limits", "memory")
    limit = quantity(written)
    mounted = {text(mount, "name") for mount in entries(container.value, "volumeMounts")}
    for index, volume in numbered(template.spec, "volumes"):
        empty = mapping(volume, "emptyDir")
        if empty.get("medium") != "Memory" or text(volume, "name") not in mounted:
            continue
        size = quantity(empty.get("sizeLimit"))
        if limit is not None and size is not None and size >= limit:
            yield Finding(
                at=template.at("volumes", index, "emptyDir", "sizeLimit"),
                message=f"volume {volume.get('name')} of {template} may hold {empty['sizeLimit']} in memory, "
                f"but {container.name} has a limit of {written}",
                fix="set the memory limit above the volume's size plus the engine's own memory",
            )
