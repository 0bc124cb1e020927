"""Pods with more or fewer devices than their engine uses."""

from collections.abc import Iterator

from modelyard.cluster import Environment, Model
from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rules import rule
from modelyard.rules.wording import plural

_FLAGS = ("tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size", "prefill-context-parallel-size")

# One pod is one engine there; several pods share the ranks elsewhere.
_WHOLE_ENGINES = ("Deployment", "StatefulSet", "Pod", "Job")


@rule("scheduling/unequal-devices-and-ranks", error, since="0.1.0")
def unequal_devices_and_ranks(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An engine with more ranks than devices exits at start; one with fewer leaves devices idle that are paid for."""
    for model in environment.models:
        devices = model.template.accelerators.get("nvidia.com/gpu")
        if devices is None or model.workload.kind not in _WHOLE_ENGINES:
            continue
        if model.settings.problem:
            yield NotChecked(model, model.settings.problem)
            continue
        ranks = _ranks(model)
        if ranks is None or ranks == devices:
            continue
        flag = max(
            (each for each in _FLAGS if each in model.settings), key=lambda each: model.settings[each], default=""
        )
        uses = f"{flag} {model.settings[flag]}" if flag else "tensor-parallel-size 1 by default"
        yield Finding(
            at=model.settings.at(flag or _FLAGS[0]),
            message=f"{model.name} has {plural(devices, 'GPU')} per pod and uses {ranks} ({uses})",
            fix=f"make the ranks {devices}, or resources.limits.nvidia.com/gpu {ranks}",
            severity=None if ranks > devices else warning,
        )


def _ranks(model: Model) -> int | None:
    """Return how many devices the engine uses in one pod; None where a launcher outside the pod decides."""
    if any(each in model.settings for each in ("nnodes", "data-parallel-size-local", "data-parallel-backend")):
        return None
    total = 1
    for flag in _FLAGS:
        value = model.settings.get(flag, 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            return None
        total *= value
    return total
