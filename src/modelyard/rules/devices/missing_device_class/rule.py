"""Claims of a class of devices that nobody makes."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Application, ChartValues, Environment, Manifest, entries, mapping, text

_CHART = "dra-driver-nvidia-gpu"
# What chart dra-driver-nvidia-gpu 0.4.1 makes, by the value that switches it.
_OF_CHART = {
    "resources.gpus.enabled": ("gpu.nvidia.com", "mig.nvidia.com", "vfio.gpu.nvidia.com"),
    "resources.computeDomains.enabled": (
        "compute-domain-daemon.nvidia.com",
        "compute-domain-default-channel.nvidia.com",
    ),
}
_CLAIMS = {"ResourceClaim": ("spec",), "ResourceClaimTemplate": ("spec", "spec")}


@rule("devices/missing-device-class", error, since="0.1.0", absence="cluster")
def missing_device_class(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A claim of a DeviceClass that does not exist is never allocated, and its pods stay Pending."""
    claims = [
        (manifest, path) for kind, path in _CLAIMS.items() for manifest in environment.of_kind(kind, "resource.k8s.io")
    ]
    if not claims:
        return
    known = {manifest.name for manifest in environment.of_kind("DeviceClass", "resource.k8s.io")}
    known |= {name for values in environment.chart_values for name in _made_by(values)}
    others = sorted({what for each in environment.applications if (what := _may_bring(each))})
    for manifest, path in claims:
        for place, name in _named(manifest, path):
            if name in known:
                continue
            if others:
                yield NotChecked(manifest, f"{one_of(others)} may create the DeviceClass {name}")
                continue
            yield Finding(
                at=manifest.at(place),
                message=f"{manifest} claims devices of the DeviceClass {name}, which does not exist in this "
                "environment",
                fix=f"use {nearest(name, known) or one_of(sorted(known))}" if known else "add its DRA driver",
            )


def _named(manifest: Manifest, path: tuple[str, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for index, request in enumerate(entries(manifest.mapping(path), "devices", "requests")):
        at: tuple[str | int, ...] = (*path, "devices", "requests", index)
        if name := text(mapping(request, "exactly"), "deviceClassName"):
            yield (*at, "exactly", "deviceClassName"), name
        for position, each in enumerate(entries(request, "firstAvailable")):
            if name := text(each, "deviceClassName"):
                yield (*at, "firstAvailable", position, "deviceClassName"), name


def _made_by(values: ChartValues) -> Iterator[str]:
    if values.source.chart == _CHART:
        for switch, names in _OF_CHART.items():
            if values.get(switch) is not False:
                yield from names


def _may_bring(application: Application) -> str:
    """Return what of an Application is not rendered and may bring a class: another driver of resources."""
    charts = [source.chart for source in application.sources if source.chart and source.chart != _CHART]
    return application.unrendered if any("dra" in chart for chart in charts) else ""
