"""Pods of a group whose engine is not told which of the pods it is."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, mapping

_OF_ALL = {"nnodes": "--nnodes=$(LWS_GROUP_SIZE)"}
# Their defaults are those of the leader: rank 0, and the pod itself as the leader's address.
_OF_WORKERS = {
    **_OF_ALL,
    "node-rank": "--node-rank=$(LWS_WORKER_INDEX)",
    "master-addr": "--master-addr=$(LWS_LEADER_ADDRESS)",
}
# Of a template of the workers alone: where one serves for both, a script tells them apart.
_WITHOUT_API = {"headless": "--headless"}


@rule("serving/missing-rank-flag", error, since="0.1.0")
def missing_rank_flag(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Ranks find each other by rank number and leader address; without them, the group times out at start-up."""
    for model in environment.models:
        manifest = model.workload.manifest
        size = model.workload.group_size
        if size < 2:
            continue
        containers = [
            (template, container)
            for template in model.workload.templates
            for container in template.containers
            if container.name == model.container.name and not container.init
        ]
        told = [model.engine.settings(container, model.application.resources) for _, container in containers]
        if not any(flag in settings for settings in told for flag in ("nnodes", "node-rank")):
            continue  # Ray or a script joins them, or serving/leader-without-workers says that nothing does
        shared = "leaderTemplate" not in mapping(manifest.value, "spec", "leaderWorkerTemplate")
        for (template, container), settings in zip(containers, told, strict=True):
            if settings.problem:
                continue
            leads = "leaderTemplate" in template.path
            needed = _OF_ALL if leads else _OF_WORKERS if shared else {**_OF_WORKERS, **_WITHOUT_API}
            told_of = str(settings.get("nnodes", ""))
            if told_of.isdigit() and int(told_of) != size:
                yield Finding(
                    at=settings.at("nnodes"),
                    message=f"{container} has nnodes {told_of}, but a group of {manifest} has {size} pods",
                    fix="write $(LWS_GROUP_SIZE)",
                )
            rank = str(settings.get("node-rank", ""))
            if not leads and rank.isdigit() and (shared or rank == "0" or size > 2):
                yield Finding(
                    at=settings.at("node-rank"),
                    message=f"every worker of {manifest} is told the same rank (node-rank {rank}), and a group has "
                    f"{size} pods",
                    fix="write $(LWS_WORKER_INDEX)",
                )
            lacking = [flag for flag in needed if flag not in settings]
            if lacking:
                yield Finding(
                    at=container.at("args", key=True),
                    message=f"{container} is one of {size} pods of a group, but its "
                    f"{'leader does' if leads else 'workers do'} not set {', '.join(lacking)}",
                    fix=f"add {', '.join(needed[flag] for flag in lacking)}",
                )
