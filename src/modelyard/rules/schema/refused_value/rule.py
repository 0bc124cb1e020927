"""Values that the API server's own code refuses."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.view.validation import refused


@rule("schema/refused-value", error, since="0.1.0")
def refused_value(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A value that its schema allows and the API server refuses, such as port 80000, stops its Application's sync."""
    workloads = {each.manifest: each for each in environment.workloads}
    for manifest in environment.resources:
        verdict = manifest.resource.verdict
        if verdict is not None and verdict.status == "invalid":
            continue  # what its schema says comes first; the shape of the rest is not sure
        for each in refused(manifest, workloads.get(manifest)):
            yield Finding(
                at=manifest.at(each.path),
                message=f"{manifest}: {each.said}",
                fix=each.fix or "write what the API server takes",
            )
