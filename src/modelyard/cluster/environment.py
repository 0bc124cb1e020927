"""The typed view of one environment that rules read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from modelyard.cluster.applications import Application
from modelyard.cluster.models import Model, models
from modelyard.cluster.pools import KARPENTER_GROUP, Pool
from modelyard.cluster.things import Thing
from modelyard.cluster.workloads import Workload, workload
from modelyard.rendering import RenderError
from modelyard.repository import EnvironmentFolder, Repository


@dataclass(frozen=True)
class Environment:
    """One environment: what its root renders to, and what every Application of it renders to.

    Attributes:
        repository: The repository on disk.
        folder: The environment's folder and facts.
        root: Resources of the app-of-apps: projects and Applications.
        applications: The Applications with their resources, in order of name.
        errors: Why the root could not be rendered.
        bootstrap: What install.sh applies before Argo CD runs.
    """

    repository: Repository
    folder: EnvironmentFolder
    root: tuple[Thing, ...]
    applications: tuple[Application, ...]
    errors: tuple[RenderError, ...] = ()
    bootstrap: tuple[Thing, ...] = ()

    @property
    def name(self) -> str:
        """Return the environment's name."""
        return self.folder.name

    @property
    def facts(self) -> Mapping[str, Any]:
        """Return the content of `environment.yaml`."""
        return self.folder.facts

    @cached_property
    def resources(self) -> tuple[Thing, ...]:
        """Return every resource that is rendered: of the root, the bootstrap and all Applications."""
        return (*self.root, *self.bootstrap, *(thing for each in self.applications for thing in each.resources))

    @cached_property
    def by_kind(self) -> Mapping[str, list[Thing]]:
        """Return the resources by kind."""
        found: dict[str, list[Thing]] = defaultdict(list)
        for thing in self.resources:
            found[thing.kind].append(thing)
        return found

    def of_kind(self, kind: str, group: str | None = None) -> Iterator[Thing]:
        """Yield the resources of a kind, of one API group when it is given."""
        return (thing for thing in self.by_kind.get(kind, ()) if group is None or thing.group == group)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """Return every resource that makes pods."""
        return tuple(found for thing in self.resources if (found := workload(thing)) is not None)

    @cached_property
    def _workloads_by_application(self) -> Mapping[str, list[Workload]]:
        found: dict[str, list[Workload]] = defaultdict(list)
        for each in self.workloads:
            found[each.thing.application].append(each)
        return found

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """Return the models that are served, in order of their Applications."""
        versions = self.repository.settings.engine_versions
        return tuple(models(self.applications, self._workloads_by_application, versions))

    @cached_property
    def pools(self) -> tuple[Pool, ...]:
        """Return Karpenter's NodePools."""
        classes = {thing.name: thing for thing in self.of_kind("EC2NodeClass")}
        return tuple(
            Pool(thing, classes.get(str(thing.get("spec.template.spec.nodeClassRef.name", ""))))
            for thing in self.of_kind("NodePool", KARPENTER_GROUP)
        )

    @cached_property
    def application_by_name(self) -> Mapping[str, Application]:
        """Return the Applications by name."""
        return {application.name: application for application in self.applications}

    def namespace_of(self, thing: Thing) -> str:
        """Return the namespace that a namespaced resource lands in: its own, else its Application's destination."""
        if thing.namespace:
            return thing.namespace
        application = self.application_by_name.get(thing.application)
        return application.namespace if application else ""

    def __str__(self) -> str:
        return f"environment {self.name}"
