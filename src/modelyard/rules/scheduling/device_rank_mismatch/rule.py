"""Pods, or groups of pods, with more or fewer devices than their engine uses."""

from collections.abc import Iterator
from dataclasses import dataclass

from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rules import rule
from modelyard.rules.wording import plural
from modelyard.view import Environment, ServedModel

_GPU = "nvidia.com/gpu"

# One pod is one engine there.
_WHOLE_ENGINES = ("Deployment", "StatefulSet", "Pod", "Job")


@dataclass(frozen=True)
class _Share:
    """Devices of what one engine runs on: whose they are, where their number is set, and whether engines share them."""

    devices: int
    per: str
    setting: str
    shared: bool = False


@rule("scheduling/device-rank-mismatch", error, since="0.1.0")
def device_rank_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """With more ranks than devices the engine exits at start-up; with fewer, paid devices stay idle."""
    for model in environment.models:
        devices = model.template.accelerators.get(_GPU)
        if devices is None:
            continue
        if model.settings.problem:
            yield NotChecked(model, model.settings.problem)
            continue
        ranks = model.engine.ranks(model.settings)
        share = _share(model, devices, ranks or 1)
        if share is None or ranks is None or (share.shared and share.devices % ranks == 0):
            continue
        if ranks == share.devices:
            continue
        flags = model.engine.rank_flags
        flag = max(
            (each for each in reversed(flags) if each in model.settings),
            key=lambda each: model.settings[each],
            default="",
        )
        uses = f"{flag} {model.settings[flag]}" if flag else f"{flags[0]} 1 by default"
        # Ranks that could be doubled are the likelier mistake; a remainder says that pods are too many.
        size = model.workload.kind == "LeaderWorkerSet" and share.devices > ranks and share.devices % ranks
        yield Finding(
            at=model.workload.manifest.at("spec.leaderWorkerTemplate.size")
            if size
            else model.settings.at(flag or flags[0]),
            message=f"{model.name} has {plural(share.devices, 'GPU')} per {share.per} but {ranks} ranks ({uses})",
            fix=f"set the ranks to {share.devices}, or {share.setting} to {ranks}",
            severity=None if ranks > share.devices else warning,
        )


def _share(model: ServedModel, devices: int, ranks: int) -> _Share | None:
    """Return the devices that one engine has; None where that is decided elsewhere."""
    manifest = model.workload.manifest
    if model.workload.kind in _WHOLE_ENGINES:
        if "nnodes" in model.settings:
            return None  # something outside the pod starts the others
        return _Share(devices, "pod", f"resources.limits.{_GPU}")
    if model.workload.kind == "LeaderWorkerSet":
        size = manifest.get("spec.leaderWorkerTemplate.size", 1)
        if not isinstance(size, int) or model.settings.get("nnodes") not in ("$(LWS_GROUP_SIZE)", size):
            return None  # a launcher decides which pods make one engine
        workers = next((each for each in model.workload.templates if each.path[-1] == "workerTemplate"), model.template)
        rest = workers.accelerators.get(_GPU, 0) * (size - 1)
        return _Share(devices + rest, f"group of {plural(size, 'pod')}", "the GPUs of a group")
    if model.workload.kind == "RayService":
        group = manifest.mapping(model.template.path[:-1])
        most = group.get("maxReplicas", group.get("replicas"))
        if isinstance(most, int) and most > 0:
            # Ray puts a replica on as many workers as it needs.
            spanned = min(max(1, -(-ranks // devices)), most)
            return _Share(devices * spanned, plural(spanned, "worker"), "the GPUs of a worker", shared=True)
    return None
