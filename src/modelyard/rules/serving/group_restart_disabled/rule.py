"""Groups of which one pod restarts alone."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error, to_set
from modelyard.rules import rule
from modelyard.view import Environment


@rule("serving/group-restart-disabled", error, since="0.1.0")
def group_restart_disabled(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Ranks connect only once; a pod that restarts alone cannot rejoin its group."""
    for model in environment.models:
        manifest = model.workload.manifest
        policy = manifest.get("spec.leaderWorkerTemplate.restartPolicy", "RecreateGroupOnPodRestart")
        size = model.workload.group_size
        if size < 2 or policy not in ("None", "Default"):
            continue
        at = manifest.at("spec.leaderWorkerTemplate.restartPolicy")
        yield Finding(
            at=at,
            message=f"{model.name} runs in groups of {size} pods, but a failed pod restarts without the others",
            fix="set restartPolicy: RecreateGroupAfterStart",
            edits=(to_set(at, "RecreateGroupAfterStart"),),
        )
