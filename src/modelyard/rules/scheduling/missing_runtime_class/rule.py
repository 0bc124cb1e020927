"""Runtime classes that nobody defines."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.edges import missing
from modelyard.view import Environment


@rule("scheduling/missing-runtime-class", error, since="0.1.0", absence="cluster")
def missing_runtime_class(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The API server rejects a pod whose RuntimeClass does not exist."""
    yield from missing(
        environment,
        "runs under",
        "RuntimeClass",
        lambda pods, name, _: f"{pods} have the runtime class {name}, which does not exist in this environment",
        brings="the runtime class",
        fix=lambda *_: "remove it: the accelerated AMIs of EKS use the NVIDIA runtime by default",
    )
