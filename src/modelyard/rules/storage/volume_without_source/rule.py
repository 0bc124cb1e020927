"""Volumes that say nothing of what is in them."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, numbered, text


@rule("storage/volume-without-source", warning, since="0.1.0")
def volume_without_source(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A volume without a source is an empty folder, so its containers do not find their files."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            for index, volume in numbered(template.spec, "volumes"):
                if any(value is not None for field, value in volume.items() if field != "name"):
                    continue
                name = text(volume, "name")
                yield Finding(
                    at=template.at("volumes", index, "name"),
                    message=f"volume {name} of {template} has no source, so it is an empty folder",
                    fix="set its source, or write emptyDir: {}",
                )
