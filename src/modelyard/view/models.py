"""Models as served in one environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from modelyard.rendering import split_image
from modelyard.view.applications import Application
from modelyard.view.omni import runs_omni
from modelyard.view.ray import SERVICE, declared_version, ray_container, ray_settings
from modelyard.view.settings import DeclaredSettings, declared_settings
from modelyard.view.shapes import listed
from modelyard.view.triton import runs_triton, triton_settings
from modelyard.view.workloads import Container, PodTemplate, Workload

VERSION_LABEL = "app.kubernetes.io/version"
# Further numbers are a plugin's, as in the tags 0.24.0.1.1.0-… of vLLM Neuron.
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+(?:\.?(?:post|rc|dev)\d+)?)(?:\.\d+)*(?:[-_+].*)?$")
# They may run the engine's image for another end: to fetch it, or a model.
_NO_SERVERS = ("CronJob", "DaemonSet", "Job")


@dataclass(frozen=True, eq=False)
class ServedModel:
    """One model: an Application that serves it, and the engine's container in it.

    Attributes:
        application: The Application.
        workload: The workload that runs the engine.
        template: The pod template with the engine's container.
        container: The engine's container.
        engine_versions: `engine-versions` of `modelyard.yaml`, version by image name.
    """

    application: Application
    workload: Workload
    template: PodTemplate
    container: Container
    engine_versions: Mapping[str, str]

    @property
    def name(self) -> str:
        """Return the model's name: its Application, Service, workload and served name."""
        return self.application.name

    @cached_property
    def settings(self) -> DeclaredSettings:
        """Return the engine's effective settings."""
        if self.in_ray:
            return ray_settings(self.container)
        if runs_triton(self.container):
            return triton_settings(self.container, self.application.resources)
        return declared_settings(self.container, self.application.resources)

    @property
    def in_ray(self) -> bool:
        """Return whether Ray Serve runs the engine, so that the image's tag is Ray's version and not the engine's."""
        return self.workload.kind == SERVICE

    @property
    def engine(self) -> str:
        """Return the engine's name in the catalogue: `vllm-omni` where vLLM hands over to it, else `vllm`."""
        return "vllm-omni" if runs_omni(self.container) else "vllm"

    @property
    def passes_python_values(self) -> bool:
        """Return whether the settings file goes to the engine as Python values, and not by its command line."""
        return self.in_ray or runs_triton(self.container)

    @property
    def tag_version(self) -> str | None:
        """Return the engine's version by the image's tag; None where the tag tells none."""
        return None if self.in_ray else version_in(split_image(self.container.image)[1])

    @cached_property
    def engine_version(self) -> str | None:
        """Return the engine's version: the image tag where that is one, else the label, else `modelyard.yaml`.

        Of an image of Ray, Triton or vLLM-Omni it is what `modelyard.yaml` says, else what the engine's base says of
        that image.
        """
        name, tag, _ = split_image(self.container.image)
        if self.in_ray:
            return self.engine_versions.get(name) or declared_version(self.workload.manifest, version_in(tag))
        if runs_triton(self.container):
            return self.engine_versions.get(name) or declared_version(self.workload.manifest, tag.partition("-")[0])
        if self.engine != "vllm":
            return self.tag_version or self.engine_versions.get(name) or declared_version(self.workload.manifest, tag)
        label = str(self.template.labels.get(VERSION_LABEL, "") or self.workload.manifest.labels.get(VERSION_LABEL, ""))
        return self.tag_version or version_in(label) or self.engine_versions.get(name)

    def __str__(self) -> str:
        return f"model {self.name}"


def version_in(text: str) -> str | None:
    """Return the version that a tag or label stands for, None when it is none."""
    match = _VERSION.match(text)
    return match[1] if match else None


def engine_container(workload: Workload) -> tuple[PodTemplate, Container] | None:
    """Return the container that runs vLLM, with its pod template."""
    in_ray = ray_container(workload)
    if in_ray is not None:
        return in_ray
    if workload.kind in _NO_SERVERS:
        return None
    for template in workload.templates:
        for container in template.containers:
            if not container.init and _runs_vllm(container):
                return template, container
    return None


def _runs_vllm(container: Container) -> bool:
    command = " ".join(str(word) for word in listed(container.value, "command"))
    if runs_triton(container):
        return True
    return container.name == "vllm" or "vllm" in command or "vllm" in split_image(container.image)[0]


def models(
    applications: Iterable[Application], workloads: Mapping[str, list[Workload]], engine_versions: Mapping[str, str]
) -> list[ServedModel]:
    """Return the models among the Applications, in their order."""
    found = []
    for application in applications:
        if not application.is_model:
            continue
        for workload in workloads.get(application.name, ()):
            engine = engine_container(workload)
            if engine is not None:
                found.append(ServedModel(application, workload, *engine, engine_versions))
                break
    return found
