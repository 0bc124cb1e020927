"""Pods that take some Neuron devices of a node, chosen by a scheduler that does not know which are joined."""

from collections.abc import Iterator

from modelyard.cluster import Environment, text
from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import InstanceOption, placements
from modelyard.rules import rule

_DEVICES = ("aws.amazon.com/neuron", "aws.amazon.com/neurondevice")
_DEFAULT_SCHEDULER = "default-scheduler"


@rule("devices/partial-neuron-node", error, since="0.1.0")
def partial_neuron_node(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Kubernetes hands out any free Neuron devices; ranks on devices that are not joined cannot talk, and stop."""
    for found in placements(environment):
        if found.daemon or (text(found.template.spec, "schedulerName") or _DEFAULT_SCHEDULER) != _DEFAULT_SCHEDULER:
            continue
        options = [option for verdict in found.accepting for option in verdict.options]
        for container in found.template.containers:
            for resource in _DEVICES:
                amount = str(container.requested(resource) or "")
                if not amount.isdigit() or int(amount) < 2:
                    continue
                larger = sorted({_named(option) for option in options if _count(option) > int(amount)})
                if larger:
                    yield Finding(
                        at=container.at("resources", "limits", resource),
                        message=f"{container} asks for {amount} {resource} and may land on {larger[0]}; the scheduler "
                        "of EKS may give it devices that are not joined",
                        fix="let Neuron's scheduler place it (schedulerName: neuron-scheduler, as the feature "
                        "neuron-scheduler sets), or require an instance type with as many devices",
                    )


def _count(option: InstanceOption) -> int:
    accelerator = option.kind.accelerator
    return accelerator.count if accelerator is not None and accelerator.kind == "neuron" else 0


def _named(option: InstanceOption) -> str:
    return f"{option.name}, which has {_count(option)}"
