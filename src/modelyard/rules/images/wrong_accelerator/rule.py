"""Images that were built for another accelerator."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.sizing import fits
from modelyard.view import Container, Environment, mapping

# Parts of names of images for one kind of accelerator; Neuron's own say so.
_CUDA = ("vllm/vllm-openai", "nvcr.io/nvidia/", "huggingface/text-generation-inference", "cuda")
_ROCM = ("rocm",)
_NEURON = ("neuron",)


@rule("images/wrong-accelerator", error, since="0.1.0")
def wrong_accelerator(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An image built for another accelerator exits at start-up, or does not use its devices."""
    # What lands on no node does not start anyway, and another rule says why.
    nowhere = {fit.model.workload.manifest for fit in fits(environment) if not fit.devices and not fit.cores}
    for workload in environment.own_workloads:
        for container in workload.containers:
            wanted, built = _devices(container), _built_for(split_image(container.image)[0])
            if wanted and built and wanted != built and workload.manifest not in nowhere:
                yield Finding(
                    at=container.image_name_at,
                    message=f"{container} requests {wanted} devices, but {container.image} is built for {built}",
                    fix=f"use an image for {wanted}",
                )


def _devices(container: Container) -> str:
    names = [str(name) for field in ("limits", "requests") for name in mapping(container.value, "resources", field)]
    if any(name.startswith("aws.amazon.com/neuron") for name in names):
        return "Neuron"
    return "NVIDIA" if any(name.startswith("nvidia.com/") for name in names) else ""


def _built_for(image: str) -> str:
    for name, parts in (("Neuron", _NEURON), ("AMD", _ROCM), ("NVIDIA", _CUDA)):
        if any(part in image for part in parts):
            return name
    return ""
