"""Devices that an image does not serve, though it starts there."""

from collections.abc import Iterator

from modelyard import catalog
from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import InstanceOption, placement_by_template
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Environment, ServedModel

_LENGTH = "max-model-len"


@rule("devices/unsupported-device", error, since="0.1.0")
def unsupported_device(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An engine on a device that its image does not support exits at start-up, or at its first kernel."""
    placement_of = placement_by_template(environment)
    for model in environment.models:
        accepting = placement_of[model.template].accepting
        found = [option for verdict in accepting for option in verdict.options]
        image, tag, _ = split_image(model.container.image)
        if any(_accelerator(option) == "neuron" for option in found):
            yield from _neuron(model, tag, found)
        elif cuda := catalog.cuda_of(image, tag, model.engine_version):
            yield from _cuda(model, cuda, found)


def _neuron(model: ServedModel, tag: str, options: list[InstanceOption]) -> Iterator[Finding | NotChecked]:
    families = sorted({option.family for option in options})
    version = model.engine_version
    served = catalog.neuron_families(version) if version else ()
    if not served:
        yield NotChecked(model.container, f"the device families that {model.container.image} supports are not known")
    elif others := [each for each in families if _base(each) not in served]:
        yield Finding(
            at=model.container.at("image"),
            message=f"{model.name} may land on {both(others)}, but {model.container.image} supports only "
            f"{both(served)}",
            fix="require a family that the image supports, or use another image",
        )
        return
    sdk = catalog.neuron_sdk(tag)
    length = model.settings.get(_LENGTH)
    for family in families:
        tokens = catalog.neuron_kernel_tokens(sdk, _base(family)) if sdk else None
        if tokens is not None and isinstance(length, int) and length >= tokens:
            yield Finding(
                at=model.settings.at(_LENGTH),
                message=f"{model.name} allows {length:,} tokens on {family}, for which Neuron SDK {sdk} has no "
                f"kernels; from {tokens:,} tokens on, attention always needs one",
                fix=f"set max-model-len below {tokens:,}, or serve it on trn2",
            )
            return


def _cuda(model: ServedModel, cuda: int, options: list[InstanceOption]) -> Iterator[Finding]:
    lowest = catalog.cuda_capability(cuda)
    for option in options:
        accelerator = option.kind.accelerator
        device = catalog.device(accelerator.name, accelerator.memory_mib) if accelerator is not None else None
        has = device.compute_capability if device is not None else None
        if lowest is None or has is None or has >= lowest:
            continue
        yield Finding(
            at=model.container.at("image"),
            message=f"{model.name} may land on {option.name} with {accelerator.name if accelerator else ''}, compute "
            f"capability {has[0]}.{has[1]}; CUDA {cuda} of {model.container.image} builds for {lowest[0]}.{lowest[1]} "
            "and newer",
            fix="require newer devices, or use an image with an older CUDA version",
        )
        return


def _accelerator(option: InstanceOption) -> str:
    return option.kind.accelerator.kind if option.kind.accelerator is not None else ""


def _base(family: str) -> str:
    """Return the family that a variant belongs to: `trn1` of `trn1n`."""
    return family[:4]
