"""Groups of which one pod restarts alone."""

from collections.abc import Iterator

from modelyard.cluster import Environment
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule


@rule("serving/lone-restart", error, since="0.1.0")
def lone_restart(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The ranks of an engine meet once; a pod that comes back alone finds nobody that waits for it."""
    for model in environment.models:
        thing = model.workload.thing
        size = thing.get("spec.leaderWorkerTemplate.size", 1)
        policy = thing.get("spec.leaderWorkerTemplate.restartPolicy", "RecreateGroupOnPodRestart")
        if model.workload.kind != "LeaderWorkerSet" or not isinstance(size, int) or size < 2 or policy != "None":
            continue
        yield Finding(
            at=thing.at("spec.leaderWorkerTemplate.restartPolicy"),
            message=f"{model.name} runs in groups of {size} pods, and a pod that fails restarts without the others",
            fix="set restartPolicy: RecreateGroupAfterStart",
        )
