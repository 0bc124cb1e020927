"""Settings that keep more in the pod's memory than it has."""

from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.fit.remedies import gaps
from modelyard.sizing import device_resource, fits, host_budget, host_problems
from modelyard.view import Environment, ServedModel, mapping, quantity
from modelyard.view.shapes import entries, numbered

_GIB = 1024**3
# Settings in GiB of the pod's memory.
_KEPT_THERE = ("cpu-offload-gb", "kv-offloading-size", "swap-space")
_SHM = "/dev/shm"  # noqa: S108 - a path in the pod


@rule("fit/host-memory-beyond-pod", error, since="0.1.0")
def host_memory_beyond_pod(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Offloaded weights and cache use the pod's memory; above its limit the kernel kills the container."""
    for fit in fits(environment):
        worst, model = fit.worst, fit.model
        if worst is None or fit.shape is None:
            yield from gaps(fit)
            continue
        settings = worst.assessment.settings
        asked = device_resource(model.container)
        ranks = min(asked[1], settings.devices) if asked else None
        budget = host_budget(fit.shape, settings, ranks_in_pod=ranks)
        shm, at_shm = _shm(model)
        # Ranks without any mount have a rule of their own.
        unmounted = at_shm is None and settings.devices_per_copy == 1 and not model.template.spec.get("hostIPC")
        limits = mapping(model.container.value, "resources", "limits")
        memory = quantity(limits.get("memory"))
        for problem in host_problems(
            budget, memory_bytes=None if memory is None else int(memory), shm_bytes=shm, default_shm=unmounted
        ):
            about_shm = problem.startswith(_SHM)
            alone = None if about_shm or memory is None else _beyond_alone(model, float(memory) / _GIB)
            yield Finding(
                at=(at_shm or model.container.at("volumeMounts", key=True))
                if about_shm
                else alone or model.container.at("resources", "limits", "memory"),
                message=f"{model.name}: {problem}",
                fix="raise sizeLimit of the memory-backed volume, and the memory limit by the same amount"
                if about_shm
                else f"raise the memory limit to {budget.memory_gib:.0f} GiB or more, or offload less",
            )


def _beyond_alone(model: ServedModel, limit_gib: float) -> Address | None:
    """Return where a setting asks for more than the whole limit, which is then what is wrong; None where none does."""
    for flag in _KEPT_THERE:
        asked = model.settings.get(flag)
        if isinstance(asked, int | float) and not isinstance(asked, bool) and asked > limit_gib:
            return model.settings.at(flag)
    return None


def _shm(model: ServedModel) -> tuple[int | None, Address | None]:
    """Return the size limit of what is mounted at /dev/shm, None for none, and its address; None without a mount."""
    mounts = entries(model.container.value, "volumeMounts")
    name = next((each.get("name") for each in mounts if str(each.get("mountPath", "")).rstrip("/") == _SHM), None)
    for index, volume in numbered(model.template.spec, "volumes"):
        if name is not None and volume.get("name") == name:
            source = volume.get("emptyDir")
            limit = quantity(source.get("sizeLimit")) if isinstance(source, dict) else None
            at = model.template.at("volumes", index, "emptyDir", "sizeLimit")
            return None if limit is None else int(limit), at
    return None, None
