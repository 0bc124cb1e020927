"""Pods that take some Neuron devices of a node, chosen by a scheduler that does not know which are joined."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import InstanceOption, placements
from modelyard.rules import rule
from modelyard.rules.wording import either
from modelyard.view import Container, Environment, text

_DEVICES = ("aws.amazon.com/neuron", "aws.amazon.com/neurondevice")
_DEFAULT_SCHEDULER, _OF_NEURON = "default-scheduler", "neuron-scheduler"
# Devices in a torus, and how many of them Neuron's scheduler gives a container (its scheduler.rst at SDK 2.32).
_TORUS, _OF_TORUS = ("trn1.32xlarge", "trn1n.32xlarge"), (1, 4, 8, 16)


@rule("devices/partial-neuron-node", error, since="0.1.0")
def partial_neuron_node(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The default scheduler assigns any free Neuron devices; ranks on unconnected devices fail at start-up."""
    for found in placements(environment):
        scheduler = text(found.template.spec, "schedulerName") or _DEFAULT_SCHEDULER
        if found.daemon or scheduler not in (_DEFAULT_SCHEDULER, _OF_NEURON):
            continue
        options = [option for verdict in found.accepting for option in verdict.options]
        for container in found.template.containers:
            for resource in _DEVICES:
                amount = str(container.requested(resource) or "")
                if not amount.isdigit() or int(amount) < 2:
                    continue
                if scheduler == _OF_NEURON:
                    yield from _unplaced(container, resource, int(amount), options)
                    continue
                larger = sorted({_named(option) for option in options if _count(option) > int(amount)})
                if larger:
                    yield Finding(
                        at=container.at("resources", "limits", resource),
                        message=f"{container} requests {amount} {resource} and may land on {larger[0]}; the default "
                        "scheduler may assign devices that are not connected",
                        fix="use the Neuron scheduler (schedulerName: neuron-scheduler, as the feature "
                        "neuron-scheduler sets), or require an instance type with as many devices",
                    )


def _unplaced(container: Container, resource: str, amount: int, options: list[InstanceOption]) -> Iterator[Finding]:
    """Yield an amount that Neuron's scheduler never gives on a type that the pod may land on."""
    torus = next((each for each in options if each.name in _TORUS), None)
    if torus is not None and amount not in _OF_TORUS:
        yield Finding(
            at=container.at("resources", "limits", resource),
            message=f"{container} requests {amount} {resource} and may land on {torus.name}, where the Neuron "
            f"scheduler assigns only {either(_OF_TORUS)}",
            fix=f"request {either(_OF_TORUS)}, or require inf2, where any number is allowed",
        )


def _count(option: InstanceOption) -> int:
    accelerator = option.kind.accelerator
    return accelerator.count if accelerator is not None and accelerator.kind == "neuron" else 0


def _named(option: InstanceOption) -> str:
    return f"{option.name}, which has {_count(option)}"
