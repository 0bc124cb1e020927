"""Models as served in one environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from modelyard.rendering import split_image
from modelyard.view.applications import Application
from modelyard.view.engines import ServingEngine, engine_in
from modelyard.view.settings import DeclaredSettings
from modelyard.view.workloads import Container, PodTemplate, Workload


@dataclass(frozen=True, eq=False)
class ServedModel:
    """One model: an Application that serves it, and the engine's container in it.

    Attributes:
        application: The Application.
        engine: The engine that serves it.
        workload: The workload that runs the engine.
        template: The pod template with the engine's container.
        container: The engine's container.
        engine_versions: `engine-versions` of `modelyard.yaml`, version by image name.
    """

    application: Application
    engine: ServingEngine
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
        return self.engine.settings(self.container, self.application.resources)

    @property
    def tag_version(self) -> str | None:
        """Return the engine's version by the image's tag; None where the tag tells none."""
        return self.engine.tag_version(split_image(self.container.image)[1])

    @cached_property
    def engine_version(self) -> str | None:
        """Return the version of what runs the model, whose flags it takes: vLLM's where that runs in another server."""
        return self.engine.version(self.workload, self.template, self.container, self.engine_versions)

    def __str__(self) -> str:
        return f"model {self.name}"


def models(
    applications: Iterable[Application], workloads: Mapping[str, list[Workload]], engine_versions: Mapping[str, str]
) -> list[ServedModel]:
    """Return the models among the Applications, in their order."""
    found = []
    for application in applications:
        if not application.is_model:
            continue
        for workload in workloads.get(application.name, ()):
            serving = engine_in(workload)
            if serving is not None:
                engine, template, container = serving
                found.append(ServedModel(application, engine, workload, template, container, engine_versions))
                break
    return found
