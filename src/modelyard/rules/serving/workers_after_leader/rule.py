"""Groups whose workers wait for a leader that waits for them."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error, to_set
from modelyard.rules import rule
from modelyard.view import Environment


@rule("serving/workers-after-leader", error, since="0.3.0")
def workers_after_leader(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An engine of several pods answers when all ranks have met; workers that wait for that are never made."""
    for model in environment.models:
        manifest = model.workload.manifest
        size = model.workload.group_size
        if size < 2:
            continue
        spans = any(flag in model.settings.settings for flag in ("nnodes", "node-rank"))
        probed = bool(model.container.value.get("readinessProbe"))
        if manifest.get("spec.startupPolicy") == "LeaderReady" and spans and probed:
            at = manifest.at("spec.startupPolicy")
            yield Finding(
                at=at,
                message=f"{manifest} makes workers when the leader is ready, and {model.name} is ready when its "
                f"{size} pods have met",
                fix="write LeaderCreated",
                edits=(to_set(at, "LeaderCreated"),),
            )
