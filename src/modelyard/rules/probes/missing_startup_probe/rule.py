"""Engines that are judged alive or dead while they load."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment


@rule("probes/missing-startup-probe", error, since="0.1.0")
def missing_startup_probe(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without a startup probe, the liveness probe restarts the engine while it still loads weights, in a loop."""
    for model in environment.models:
        container = model.container
        if container.value.get("livenessProbe") and not container.value.get("startupProbe"):
            yield Finding(
                at=container.at("startupProbe"),
                message=f"{container} has a livenessProbe but no startupProbe, so it is restarted while it loads",
                fix="add a startupProbe with the same request and a failureThreshold that covers the loading time",
            )
