"""Device plugins: which resource each offers, and how it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.placement import BOTTLEROCKET, ami_family
from modelyard.rendering import split_image
from modelyard.view import Application, Environment, Pool, Workload


@dataclass(frozen=True, slots=True)
class Plugin:
    """A device plugin.

    Attributes:
        component: The platform component that brings it.
        images: Names of its images, without registry and folder.
        charts: Charts that bring it, with the value that says so; empty where they always do.
        in_images_of: AMI families whose images hold it.
    """

    component: str
    images: tuple[str, ...]
    charts: Mapping[str, str]
    in_images_of: tuple[str, ...] = ()


NVIDIA = Plugin(
    "nvidia-device-plugin",
    ("k8s-device-plugin",),
    {"nvidia-device-plugin": "devicePlugin.enabled", "gpu-operator": "devicePlugin.enabled"},
    (BOTTLEROCKET,),
)
NEURON = Plugin("neuron-device-plugin", ("neuron-device-plugin",), {"neuron-helm-chart": "devicePlugin.enabled"})
EFA = Plugin("efa-device-plugin", ("aws-efa-k8s-device-plugin",), {"aws-efa-k8s-device-plugin": ""})
PLUGINS = (NVIDIA, NEURON, EFA)

PLUGIN_OF: Mapping[str, Plugin] = {
    "nvidia.com/gpu": NVIDIA,
    "aws.amazon.com/neuron": NEURON,
    "aws.amazon.com/neurondevice": NEURON,
    "aws.amazon.com/neuroncore": NEURON,
    "vpc.amazonaws.com/efa": EFA,
}
"""The plugin that offers a resource."""


def running(environment: Environment, plugin: Plugin) -> tuple[Workload | Application, ...]:
    """Return what runs a plugin: the charts that bring it, and DaemonSets of its image outside those charts."""
    charts = [
        application
        for application in environment.applications
        for source in application.sources
        if source.chart in plugin.charts and _is_on(environment, application, plugin.charts[source.chart])
    ]
    named = {each.name for each in charts}
    daemons = [
        workload
        for workload in environment.workloads
        if workload.kind == "DaemonSet"
        and workload.manifest.application not in named
        and any(_image_name(container.image) in plugin.images for container in workload.containers)
    ]
    return (*charts, *daemons)


def held_by_image(plugin: Plugin, pool: Pool) -> bool:
    """Return whether the images of a pool's nodes hold a plugin; those of EKS Auto Mode hold all of them."""
    return pool.auto_mode or (
        pool.node_class is not None and ami_family(pool.node_class.mapping("spec")) in plugin.in_images_of
    )


def _is_on(environment: Environment, application: Application, switch: str) -> bool:
    if not switch:
        return True
    return not any(
        values.application is application and values.get(switch) is False for values in environment.chart_values
    )


def _image_name(image: str) -> str:
    return split_image(image)[0].rpartition("/")[2]
