"""Media of volumes that the kubelet does not know."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, mapping, numbered, text

_MEMORY, _HUGE_PAGES = "Memory", "HugePages"


@rule("storage/unknown-medium", error, since="0.3.0")
def unknown_medium(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The API server takes any medium of an emptyDir; the kubelet cannot mount one that it does not know."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            for index, volume in numbered(template.spec, "volumes"):
                medium = text(mapping(volume, "emptyDir"), "medium")
                if medium and medium != _MEMORY and not medium.startswith(_HUGE_PAGES):
                    yield Finding(
                        at=template.at("volumes", index, "emptyDir", "medium"),
                        message=f"volume {text(volume, 'name')} of {template} has the medium {medium}, which the "
                        "kubelet does not know",
                        fix=f"write {_MEMORY}, or remove it",
                    )
