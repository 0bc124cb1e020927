"""Deployments that count as failed while they load."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.view.times import time_table
from modelyard.view.times.start import COPY

DEFAULT_SECONDS = 600
"""Kubernetes' own `progressDeadlineSeconds`."""


@rule("probes/short-progress-deadline", warning, since="0.1.0")
def short_progress_deadline(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A progress deadline shorter than the startup probe's budget marks the rollout as failed during loading."""
    for model in environment.models:
        probe = model.container.value.get("startupProbe")
        if model.workload.kind != "Deployment" or not isinstance(probe, dict):
            continue
        threshold, period = probe.get("failureThreshold", 3), probe.get("periodSeconds", 10)
        deadline = model.workload.manifest.get("spec.progressDeadlineSeconds", DEFAULT_SECONDS)
        if not all(isinstance(each, int) for each in (threshold, period, deadline)):
            continue
        copies = sum(
            row.seconds or 0 for row in time_table(environment, model).needs("rollout") if row.name.startswith(COPY)
        )
        budget = threshold * period + round(copies)
        if deadline < budget:
            yield Finding(
                at=model.workload.manifest.at("spec.progressDeadlineSeconds"),
                message=f"{model.workload} counts as failed after {deadline} s, but its startup probe allows "
                f"{threshold * period} s{f', after a copy of the weights of {copies:.0f} s' if copies else ''}",
                fix=f"set progressDeadlineSeconds to {budget + 1200}: the budget plus 20 minutes for the node "
                "and the image",
            )
