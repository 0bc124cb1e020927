"""NeuronCores that a container does not have."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import placement_by_template
from modelyard.rules import rule
from modelyard.sizing import device_resource, eligible_devices
from modelyard.view import Container, Environment, numbered, text

_NAMES = {"NEURON_RT_VISIBLE_CORES": "visible", "NEURON_RT_NUM_CORES": "number"}


@rule("scheduling/cores-beyond-devices", error, since="0.1.0")
def cores_beyond_devices(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The Neuron runtime fails when a container uses more cores than its devices have."""
    yield from _ranks_beyond_cores(environment)
    for workload in environment.own_workloads:
        for template in workload.templates:
            for container in template.containers:
                asked = _asked(container)
                resource = device_resource(container) if asked else None
                if asked is None or resource is None or not resource[0].startswith("aws.amazon.com/neuron"):
                    continue
                index, highest = asked
                placement = placement_by_template(environment)[template]
                per_device = [
                    each.device.logical_cores
                    for each in eligible_devices(placement, container, environment.pools)
                    if each.device.logical_cores
                ]
                if resource[0].endswith("core"):
                    cores = resource[1]
                elif per_device:
                    cores = resource[1] * min(per_device)
                else:
                    yield NotChecked(container, "the Neuron devices that its pods can land on are not known")
                    continue
                if highest > cores:
                    yield Finding(
                        at=container.at("env", index, "value"),
                        message=f"{container} uses {highest} NeuronCores, but its devices have {cores}",
                        fix="remove the variable: the device plugin sets it to the assigned cores",
                    )


def _ranks_beyond_cores(environment: Environment) -> Iterator[Finding]:
    """Yield models with more tensor-parallel ranks than the container's devices have cores."""
    for model in environment.models:
        resource = device_resource(model.container)
        ranks = model.settings.tensor_parallel_size
        if resource is None or not resource[0].startswith("aws.amazon.com/neuron") or model.settings.problem:
            continue
        placement = placement_by_template(environment).get(model.template)
        eligible = eligible_devices(placement, model.container, environment.pools) if placement is not None else ()
        per_device = [each.device.logical_cores for each in eligible if each.device.logical_cores]
        if resource[0].endswith("core"):
            cores = resource[1]
        elif per_device:
            cores = resource[1] * max(per_device)
        else:
            continue  # fit says that the devices are not known
        if ranks > cores:
            yield Finding(
                at=model.settings.at("tensor-parallel-size"),
                message=f"{model.name} has {ranks} ranks (tensor-parallel-size), but its devices have {cores} "
                "NeuronCores",
                fix=f"write {cores}, or request more devices",
            )


def _asked(container: Container) -> tuple[int, int] | None:
    """Return the variable's position and how many cores it needs, counted from core 0."""
    for index, each in numbered(container.value, "env"):
        kind, value = _NAMES.get(text(each, "name")), text(each, "value")
        if kind == "number" and value.isdigit():
            return index, int(value)
        if kind == "visible" and re.fullmatch(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*", value):
            return index, max(int(part) for part in re.findall(r"\d+", value)) + 1
    return None
