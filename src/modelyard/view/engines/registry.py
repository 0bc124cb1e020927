"""Which engines there are, and which one runs where."""

from __future__ import annotations

import pkgutil
from functools import cache, partial
from importlib import import_module

from modelyard.view.engines.declared import declarations
from modelyard.view.engines.protocol import ServingEngine, first_container
from modelyard.view.shapes import text
from modelyard.view.workloads import Container, PodTemplate, Workload


class _Unmodelled(ServingEngine):
    """An engine that no module describes: its base says that it is one, and no more is known."""

    def __init__(self, name: str) -> None:
        self.name = self.title = self.core = name


@cache
def engines() -> tuple[ServingEngine, ...]:
    """Return every engine that a module here defines, in the order in which they are asked."""
    package = import_module(__package__)
    modules = [import_module(f"{__package__}.{each.name}") for each in pkgutil.iter_modules(package.__path__)]
    classes = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ServingEngine) and value.name
    }
    return tuple(kind() for kind in sorted(classes, key=lambda kind: (kind.loose, -len(kind.mro()), kind.name)))


def engine_in(workload: Workload) -> tuple[ServingEngine, PodTemplate, Container] | None:
    """Return the engine that serves in a workload, with its pod template and container; None where none does.

    Where no engine recognises a container, the base of the workload may say which one it is.
    """
    for engine in engines():
        place = engine.container(workload)
        if place is not None:
            return engine, *place
    for declaration in declarations(workload.manifest):
        name, container_name = text(declaration, "engine"), text(declaration, "container")
        if text(declaration, "workload") != workload.kind or not name or not container_name:
            continue
        place = first_container(workload, partial(_is_called, container_name))
        if place is not None:
            known = next((each for each in engines() if each.name == name), None)
            return known or _Unmodelled(name), *place
    return None


def offline_engine_in(workload: Workload) -> tuple[ServingEngine, PodTemplate, Container] | None:
    """Return the engine by which a Job answers a file of requests, with its pod template and container; None for none.

    The engine itself is asked before those that are a way to run it.
    """
    if workload.kind not in ("CronJob", "Job"):
        return None
    for engine in reversed(engines()):
        for template in workload.templates:
            for container in template.containers:
                if not container.init and engine.runs_offline(container):
                    return engine, template, container
    return None


def _is_called(name: str, container: Container) -> bool:
    return container.name == name


def exporters_in(container: Container) -> tuple[str, ...]:
    """Return the exporters of the catalogue that an engine's container is; none for other containers."""
    return next((each.exporters for each in engines() if each.exports(container)), ())


def metric_prefixes() -> tuple[str, ...]:
    """Return the beginnings of the names of metrics that nobody but running engines serves."""
    return tuple(dict.fromkeys(prefix for each in engines() for prefix in each.metric_prefixes))


def title_of(name: str) -> str:
    """Return an engine's name as its makers write it; the name itself where no module tells."""
    return next((each.title for each in engines() if each.name == name), name)
