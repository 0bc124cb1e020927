"""Ranks without shared memory."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, ServedModel, entries, mapping, text


@rule("serving/missing-shm", error, since="0.1.0")
def missing_shm(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Ranks communicate through /dev/shm, which has only 64 MiB unless a memory-backed volume is mounted there."""
    for model in environment.models:
        settings = model.settings
        ranks = settings.tensor_parallel_size * settings.pipeline_parallel_size
        if any(each.startswith("aws.amazon.com/neuron") for each in model.template.accelerators):
            continue  # one process drives all cores of a Neuron pod, and shares nothing by memory
        if ranks > 1 and not model.template.spec.get("hostIPC") and not _has_memory(model):
            yield Finding(
                at=model.container.at("volumeMounts", key=True),
                message=f"{model.name} runs {ranks} ranks in a container with 64 MiB at /dev/shm",
                fix="mount an emptyDir with medium: Memory and a sizeLimit of a few GiB at /dev/shm",
            )


def _has_memory(model: ServedModel) -> bool:
    backed = {
        text(volume, "name")
        for volume in entries(model.template.spec, "volumes")
        if mapping(volume, "emptyDir").get("medium") == "Memory"
    }
    return any(
        text(mount, "mountPath").rstrip("/") == "/dev/shm"  # noqa: S108 - a path in the pod
        and text(mount, "name") in backed
        for mount in entries(model.container.value, "volumeMounts")
    )
