"""Models as served in one environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from modelyard.cluster.applications import Application
from modelyard.cluster.settings import EngineSettings, engine_settings
from modelyard.cluster.shapes import listed
from modelyard.cluster.workloads import Container, PodTemplate, Workload
from modelyard.rendering import split_image

VERSION_LABEL = "app.kubernetes.io/version"
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+(?:\.?(?:post|rc|dev)\d+)?)(?:[-_+].*)?$")


@dataclass(frozen=True)
class Model:
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
    def settings(self) -> EngineSettings:
        """Return the engine's effective settings."""
        return engine_settings(self.container, self.application.resources)

    @cached_property
    def engine_version(self) -> str | None:
        """Return the engine's version: the image tag where that is one, else the label, else `modelyard.yaml`."""
        name, tag, _ = split_image(self.container.image)
        label = str(self.template.labels.get(VERSION_LABEL, "") or self.workload.thing.labels.get(VERSION_LABEL, ""))
        return version_in(tag) or version_in(label) or self.engine_versions.get(name)

    def __str__(self) -> str:
        return f"model {self.name}"


def version_in(text: str) -> str | None:
    """Return the version that a tag or label stands for, None when it is none."""
    match = _VERSION.match(text)
    return match[1] if match else None


def engine_container(workload: Workload) -> tuple[PodTemplate, Container] | None:
    """Return the container that runs vLLM, with its pod template."""
    for template in workload.templates:
        for container in template.containers:
            if not container.init and _runs_vllm(container):
                return template, container
    return None


def _runs_vllm(container: Container) -> bool:
    command = " ".join(str(word) for word in listed(container.value, "command"))
    return container.name == "vllm" or "vllm" in command or "vllm" in split_image(container.image)[0]


def models(
    applications: Iterable[Application], workloads: Mapping[str, list[Workload]], engine_versions: Mapping[str, str]
) -> list[Model]:
    """Return the models among the Applications, in their order."""
    found = []
    for application in applications:
        if not application.is_model:
            continue
        for workload in workloads.get(application.name, ()):
            engine = engine_container(workload)
            if engine is not None:
                found.append(Model(application, workload, *engine, engine_versions))
                break
    return found
