"""Node pools without a ceiling."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment


@rule("scheduling/unbounded-pool", warning, since="0.1.0")
def unbounded_pool(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without limits, a wrong replica count can start any number of nodes."""
    for pool in environment.pools:
        if not pool.limits:
            yield Finding(
                at=pool.manifest.at("spec.limits"),
                message=f"{pool} has no limits, so it can start any number of nodes",
                fix='set spec.limits, such as {nvidia.com/gpu: "16"} or {cpu: "64"}',
            )
