"""How long a pod that is deleted goes on, and who ends it before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.view.models import ServedModel
from modelyard.view.shapes import mapping
from modelyard.view.times.model import TimeLimit
from modelyard.view.workloads import Container, PodTemplate

GRACE_SECONDS = 30
"""Kubernetes' own `terminationGracePeriodSeconds`."""

SPOT_SECONDS = 120
"""Between EC2's notice and the loss of spare capacity
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html)."""


def ending(model: ServedModel) -> Iterator[TimeLimit]:
    """Yield what the end of a pod takes and who cuts it."""
    for template in model.workload.templates:
        container = next((each for each in template.containers if not each.init), None)
        if container is None:
            continue
        role = _role(template)
        at = container.at("lifecycle", "preStop")
        yield TimeLimit("end", f"{role}preStop", pre_stop_seconds(container), "set", at, need=True)
        if container.path == model.container.path and isinstance(told := model.settings.get("shutdown-timeout"), int):
            yield TimeLimit(
                "end", "engine (shutdown-timeout)", told, "set", model.settings.at("shutdown-timeout"), need=True
            )
        grace = template.spec.get("terminationGracePeriodSeconds")
        source = "set" if isinstance(grace, int) else "Kubernetes' default"
        seconds = grace if isinstance(grace, int) else GRACE_SECONDS
        yield TimeLimit("end", f"{role}grace period", seconds, source, template.at("terminationGracePeriodSeconds"))
    if isinstance(told := model.workload.manifest.get("spec.rayClusterDeletionDelaySeconds"), int):
        at = model.workload.manifest.at("spec.rayClusterDeletionDelaySeconds")
        yield TimeLimit("end", "old cluster (rayClusterDeletionDelaySeconds)", told, "set", at)


def pre_stop_seconds(container: Container) -> float | None:
    """Return the seconds of a sleep before the engine is told to end: 0 without a hook, None for another kind."""
    hook = mapping(container.value, "lifecycle").get("preStop")
    if not hook:
        return 0
    told: Any = mapping(container.value, "lifecycle", "preStop", "sleep").get("seconds")
    return told if isinstance(told, int) and not isinstance(told, bool) else None


def _role(template: PodTemplate) -> str:
    """Return which of several pods of a workload it is, with a space after it."""
    named = {"leaderTemplate": "leader: ", "workerTemplate": "worker: ", "headGroupSpec": "head: "}
    found = next((role for step, role in named.items() if step in template.path), "")
    return found or ("worker: " if "workerGroupSpecs" in template.path else "")
