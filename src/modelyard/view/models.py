"""Models as served in one environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from modelyard.rendering import split_image
from modelyard.view.applications import Application
from modelyard.view.engines import ServingEngine, engine_in, offline_engine_in
from modelyard.view.settings import DeclaredSettings
from modelyard.view.workloads import Container, PodTemplate, Workload


@dataclass(frozen=True, eq=False)
class ServedModel:
    """One model: the workload that serves it, and the engine's container in it.

    A model is what runs an engine, whether or not its Application says so by a label.

    Attributes:
        name: Its Application's, where that is of one model; else its workload's, after the Application's name where
            another model is called the same.
        application: The Application.
        engine: The engine that serves it.
        workload: The workload that runs the engine.
        template: The pod template with the engine's container.
        container: The engine's container.
        engine_versions: `engine-versions` of `modelyard.yaml`, version by image name.
    """

    name: str
    application: Application
    engine: ServingEngine
    workload: Workload
    template: PodTemplate
    container: Container
    engine_versions: Mapping[str, str]

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
    """Return the models that the Applications serve, in their order."""
    return _found(engine_in, applications, workloads, engine_versions)


def offline_models(
    applications: Iterable[Application],
    workloads: Mapping[str, list[Workload]],
    engine_versions: Mapping[str, str],
    served: Iterable[ServedModel],
) -> list[ServedModel]:
    """Return the models by which Jobs answer files of requests; one that is called as a served one has its kind too."""
    taken = {each.name for each in served}
    return [
        replace(each, name=f"{each.name}/{each.workload.kind.lower()}") if each.name in taken else each
        for each in _found(offline_engine_in, applications, workloads, engine_versions)
    ]


def _found(
    engine_of: Callable[[Workload], tuple[ServingEngine, PodTemplate, Container] | None],
    applications: Iterable[Application],
    workloads: Mapping[str, list[Workload]],
    engine_versions: Mapping[str, str],
) -> list[ServedModel]:
    served = [
        (application, workload, serving)
        for application in applications
        for workload in workloads.get(application.name, ())
        if (serving := engine_of(workload)) is not None
    ]
    of_application = Counter(application.name for application, _, _ in served)
    plain = [
        application.name if application.is_model and of_application[application.name] == 1 else workload.name
        for application, workload, _ in served
    ]
    counts = Counter(plain)
    return [
        ServedModel(
            name if counts[name] == 1 else f"{application.name}/{workload.name}",
            application,
            engine,
            workload,
            template,
            container,
            engine_versions,
        )
        for name, (application, workload, (engine, template, container)) in zip(plain, served, strict=True)
    ]
