"""Mounts of volumes that the pod does not have."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, entries, mapping, numbered, text


@rule("storage/undeclared-volume", error, since="0.1.0")
def undeclared_volume(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Kubernetes rejects a pod that mounts a volume which it does not declare."""
    for workload in environment.own_workloads:
        claims = entries(workload.manifest.value, "spec", "volumeClaimTemplates")
        claims += entries(workload.manifest.value, "spec", "leaderWorkerTemplate", "volumeClaimTemplates")
        for template in workload.templates:
            names = {text(each, "name") for each in entries(template.spec, "volumes")}
            names |= {text(mapping(each, "metadata"), "name") for each in claims}
            for container in template.containers:
                for field in ("volumeMounts", "volumeDevices"):
                    for index, mount in numbered(container.value, field):
                        name = text(mount, "name")
                        if name and name not in names:
                            near = nearest(name, names)
                            yield Finding(
                                at=container.at(field, index, "name"),
                                message=f"{container} mounts volume {name}, which {template} do not declare",
                                fix=f"use {near}" if near else f"add the volume, or use {one_of(names)}",
                            )
