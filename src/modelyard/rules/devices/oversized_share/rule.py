"""Models that take more of a shared GPU's memory than their share."""

from collections.abc import Iterator
from math import floor

from modelyard.cluster import Environment
from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import placements
from modelyard.rules import rule
from modelyard.rules.devices.sharing import MIG, shared_pools
from modelyard.sizing import fits

_SPARE = 0.9
"""Part of its share that is left to a model; CUDA keeps some memory for each process."""


@rule("devices/oversized-share", error, since="0.1.0")
def oversized_share(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Pods that share a GPU share its memory: the first model takes what it may, and the next does not start."""
    shared = shared_pools(environment)
    if not shared:
        return
    accepting = {id(each.template): each.accepting for each in placements(environment)}
    for fit in fits(environment):
        model = fit.model
        there = sorted({each.pool for each in accepting.get(id(model.template), ()) if each.pool in shared})
        if not there:
            continue
        found = max((shared[name] for name in there), key=lambda each: each.replicas)
        if any(shared[name].how == MIG for name in there):
            yield NotChecked(model, f"node pool {there[0]} cuts its GPUs (MIG); the memory of a part is not known here")
        if found.how == MIG:
            continue
        if fit.worst is None:
            yield NotChecked(model, fit.gap or "its share of the GPU's memory is not known")
            continue
        used = fit.worst.assessment.settings.gpu_memory_utilization
        if used * found.replicas <= 1:
            continue
        yield Finding(
            at=model.settings.at("gpu-memory-utilization"),
            message=f"{model.name} takes {used:.0%} of a GPU's memory, which {found.replicas} pods share on node pool "
            f"{there[0]} ({found.how})",
            fix=f"set gpu-memory-utilization to {floor(_SPARE * 100 / found.replicas) / 100:g} or less",
        )
