"""Liveness probes that restart a busy engine."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import plural
from modelyard.view import Environment

LEAST_SECONDS = 30
"""An engine that prefills a long prompt may not answer for some seconds; a restart costs minutes."""


@rule("probes/liveness-too-strict", warning, since="0.1.0")
def liveness_too_strict(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A liveness probe with a short budget restarts an engine that is only busy, and drops its requests."""
    for model in environment.models:
        probe = model.container.value.get("livenessProbe")
        if not isinstance(probe, dict):
            continue
        threshold, period = probe.get("failureThreshold", 3), probe.get("periodSeconds", 10)
        if not (isinstance(threshold, int) and isinstance(period, int) and period > 0):
            continue
        if threshold * period < LEAST_SECONDS:
            yield Finding(
                at=model.container.at("livenessProbe", "failureThreshold"),
                message=f"{model.container} is restarted after {threshold * period} s without a response "
                f"({plural(threshold, 'failure')}, {period} s apart), although the engine may only be busy",
                fix=f"set failureThreshold to {-(-60 // period)}, with periodSeconds {period}",
            )
