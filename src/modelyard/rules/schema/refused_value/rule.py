"""Values that the API server's own code refuses."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Workload
from modelyard.view.validation import refused


@rule("schema/refused-value", error, since="0.1.0")
def refused_value(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The API server rejects a value that the schema allows, such as port 80000, and the Application does not sync."""
    workloads = {each.manifest: each for each in environment.workloads}
    for manifest in environment.resources:
        if not environment.is_ours(manifest):
            continue  # what a chart renders, its makers have tried on an API server
        if manifest.breaks_schema:
            continue  # what its schema says comes first; the shape of the rest is not sure
        workload = workloads.get(manifest)
        for each in refused(manifest, workload):
            if each.path[-1:] == ("image",) and _has_images(workload):
                continue  # kustomize/added-container says which patch added it
            yield Finding(
                at=manifest.at(each.path),
                message=f"{manifest}: {each.said}",
                fix=each.fix or "use a value that the API server accepts",
            )


def _has_images(workload: Workload | None) -> bool:
    return workload is not None and any(
        container.image for template in workload.templates for container in template.containers
    )
