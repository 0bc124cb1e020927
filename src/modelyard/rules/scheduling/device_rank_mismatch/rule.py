"""Pods, or groups of pods, with more or fewer devices than their engine uses."""

from collections.abc import Iterator
from dataclasses import dataclass

from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rules import rule
from modelyard.rules.wording import plural
from modelyard.view import Environment, ServedModel

_FLAGS = ("tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size", "prefill-context-parallel-size")
_GPU = "nvidia.com/gpu"

# One pod is one engine there.
_WHOLE_ENGINES = ("Deployment", "StatefulSet", "Pod", "Job")


@dataclass(frozen=True)
class _Share:
    """Devices of what one engine runs on, its name in a message, and where their number is set."""

    devices: int
    per: str
    setting: str


@rule("scheduling/device-rank-mismatch", error, since="0.1.0")
def device_rank_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An engine with more ranks than devices exits at start; one with fewer leaves devices idle that are paid for."""
    for model in environment.models:
        devices = model.template.accelerators.get(_GPU)
        if devices is None:
            continue
        if model.settings.problem:
            yield NotChecked(model, model.settings.problem)
            continue
        share, ranks = _share(model, devices), _ranks(model)
        if share is None or ranks is None or (model.in_ray and share.devices % ranks == 0):
            continue
        if ranks == share.devices:
            continue
        flag = max(
            (each for each in reversed(_FLAGS) if each in model.settings),
            key=lambda each: model.settings[each],
            default="",
        )
        uses = f"{flag} {model.settings[flag]}" if flag else "tensor-parallel-size 1 by default"
        # Ranks that could be doubled are the likelier mistake; a remainder says that pods are too many.
        size = model.workload.kind == "LeaderWorkerSet" and share.devices > ranks and share.devices % ranks
        yield Finding(
            at=model.workload.manifest.at("spec.leaderWorkerTemplate.size")
            if size
            else model.settings.at(flag or _FLAGS[0]),
            message=f"{model.name} has {plural(share.devices, 'GPU')} per {share.per} and uses {ranks} ({uses})",
            fix=f"make the ranks {share.devices}, or {share.setting} {ranks}",
            severity=None if ranks > share.devices else warning,
        )


def _share(model: ServedModel, devices: int) -> _Share | None:
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
    if model.in_ray:
        group = manifest.mapping(model.template.path[:-1])
        most = group.get("maxReplicas", group.get("replicas"))
        if isinstance(most, int) and most > 0:
            ranks = _ranks(model) or 1
            # Ray puts a replica on as many workers as it needs.
            spanned = min(max(1, -(-ranks // devices)), most)
            return _Share(devices * spanned, plural(spanned, "worker"), "the GPUs of a worker")
    return None


def _ranks(model: ServedModel) -> int | None:
    """Return how many devices one engine uses; None where a launcher outside the pod decides."""
    if any(each in model.settings for each in ("data-parallel-size-local", "data-parallel-backend")):
        return None
    total = 1
    for flag in _FLAGS:
        value = model.settings.get(flag, 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            return None
        total *= value
    return total
