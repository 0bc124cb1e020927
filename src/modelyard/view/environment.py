"""The typed view of one environment that rules read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from modelyard.rendering import RenderError
from modelyard.repository import Derivable, EnvironmentFolder, Repository, kustomization_file
from modelyard.view.applications import Application, Source, sources
from modelyard.view.labels import LabelIndex
from modelyard.view.manifests import Manifest
from modelyard.view.models import ServedModel, models, offline_models
from modelyard.view.pools import KARPENTER_GROUP, NODE_CLASSES, Pool
from modelyard.view.projects import Project
from modelyard.view.secrets import SecretSource, secret_sources
from modelyard.view.services import Service, chosen
from modelyard.view.terraform import Terraform, TerraformResult
from modelyard.view.values import ChartValues, chart_values
from modelyard.view.workloads import PodTemplate, Workload, workload

KUBE_SYSTEM = "kube-system"
"""Where EKS runs its add-ons, of which no manifest of a repository tells."""
CLASS_OF_EKS = "gp2"
"""The storage class that EKS makes in some clusters."""


@dataclass(frozen=True)
class Environment(Derivable):
    """One environment: what its root renders to, and what every Application of it renders to.

    Attributes:
        repository: The repository on disk.
        folder: The environment's folder and facts.
        root: Resources of the app-of-apps: projects and Applications.
        applications: The Applications with their resources, in order of name.
        errors: Why the root could not be rendered.
        bootstrap: What install.sh applies before Argo CD runs.
        read_terraform: Reads its Terraform when it is first asked for.
        unread: What may bring more Applications than are known, in words; empty when nothing does.
        own_urls: Addresses under which Applications read this repository; None where any Git source is a folder of it.
    """

    repository: Repository
    folder: EnvironmentFolder
    root: tuple[Manifest, ...]
    applications: tuple[Application, ...]
    errors: tuple[RenderError, ...] = ()
    bootstrap: tuple[Manifest, ...] = ()
    read_terraform: Callable[[], TerraformResult] = field(default=TerraformResult, compare=False, repr=False)
    unread: str = ""
    own_urls: frozenset[str] | None = None

    def is_own(self, source: Source) -> bool:
        """Return whether a source is this repository, or may be it."""
        return self.own_urls is None or source.repository in self.own_urls

    @property
    def name(self) -> str:
        """Return the environment's name."""
        return self.folder.name

    @property
    def facts(self) -> Mapping[str, Any]:
        """Return the content of `environment.yaml`."""
        return self.folder.facts

    @cached_property
    def resources(self) -> tuple[Manifest, ...]:
        """Return every resource that is rendered: of the root, the bootstrap and all Applications."""
        return (*self.root, *self.bootstrap, *(manifest for each in self.applications for manifest in each.resources))

    @cached_property
    def by_kind(self) -> Mapping[str, list[Manifest]]:
        """Return the resources by kind."""
        found: dict[str, list[Manifest]] = defaultdict(list)
        for manifest in self.resources:
            found[manifest.kind].append(manifest)
        return found

    def of_kind(self, kind: str, group: str | None = None) -> Iterator[Manifest]:
        """Yield the resources of a kind, of one API group when it is given."""
        return (manifest for manifest in self.by_kind.get(kind, ()) if group is None or manifest.group == group)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """Return every resource that makes pods."""
        return tuple(found for manifest in self.resources if (found := workload(manifest)) is not None)

    @cached_property
    def own_workloads(self) -> tuple[Workload, ...]:
        """Return the workloads whose manifests are in this repository, without those of charts."""
        return tuple(each for each in self.workloads if self.is_ours(each.manifest))

    def is_ours(self, manifest: Manifest) -> bool:
        """Return whether a resource's manifest is in this repository, and not in a chart."""
        application = self.application_by_name.get(manifest.application)
        return application is None or application.holds(manifest)

    @cached_property
    def _workloads_by_application(self) -> Mapping[str, list[Workload]]:
        found: dict[str, list[Workload]] = defaultdict(list)
        for each in self.workloads:
            found[each.manifest.application].append(each)
        return found

    @cached_property
    def models(self) -> tuple[ServedModel, ...]:
        """Return the models that are served, in order of their Applications."""
        versions = self.repository.engine_versions
        return tuple(models(self.applications, self._workloads_by_application, versions))

    @cached_property
    def offline_models(self) -> tuple[ServedModel, ...]:
        """Return the models by which Jobs answer files of requests: nothing calls them, and they end."""
        versions = self.repository.engine_versions
        return tuple(offline_models(self.applications, self._workloads_by_application, versions, self.models))

    @cached_property
    def served_versions(self) -> Mapping[str, frozenset[str]]:
        """The known versions that models run, by the engine's name in the catalogue."""
        found: dict[str, frozenset[str]] = {}
        for model in self.models:
            if model.engine_version:
                core = model.engine.core
                found[core] = found.get(core, frozenset()) | {model.engine_version}
        return found

    @cached_property
    def pools(self) -> tuple[Pool, ...]:
        """Return the NodePools, of Karpenter or of EKS Auto Mode."""
        classes = {(each.kind, each.name): each for each in self.node_classes}
        pools = []
        for manifest in self.of_kind("NodePool", KARPENTER_GROUP):
            reference = manifest.mapping("spec.template.spec.nodeClassRef")
            named = str(reference.get("kind") or "EC2NodeClass"), str(reference.get("name") or "")
            pools.append(Pool(manifest, classes.get(named)))
        return tuple(pools)

    @cached_property
    def node_classes(self) -> tuple[Manifest, ...]:
        """Return what node pools take their nodes from: EC2NodeClasses, and NodeClasses of EKS Auto Mode."""
        return tuple(manifest for kind, group in NODE_CLASSES.items() for manifest in self.of_kind(kind, group))

    @cached_property
    def pods_by_namespace(self) -> Mapping[str, LabelIndex[PodTemplate]]:
        """Return the pod templates, with the labels of their pods, by the namespace that these run in."""
        found: dict[str, LabelIndex[PodTemplate]] = {}
        for each in self.workloads:
            labelled = found.setdefault(self.namespace_of(each.manifest), LabelIndex())
            for template in each.templates:
                labelled.add(template.labels, template)
        return found

    def pods_in(self, namespace: str) -> LabelIndex[PodTemplate]:
        """Return the pod templates whose pods run in a namespace."""
        return self.pods_by_namespace.get(namespace, LabelIndex())

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """Return the Services with the pods behind them."""
        found = []
        for manifest in self.of_kind("Service", ""):
            namespace = self.namespace_of(manifest)
            pods = chosen(manifest.mapping("spec.selector"), self.pods_in(namespace))
            found.append(Service(manifest, namespace, pods))
        return tuple(found)

    @cached_property
    def projects(self) -> Mapping[str, Project]:
        """Return Argo CD's projects by name."""
        return {manifest.name: Project(manifest) for manifest in self.of_kind("AppProject", "argoproj.io")}

    @cached_property
    def roots(self) -> tuple[Application, ...]:
        """Return the Applications that install.sh applies; what they bring is the root."""
        found = []
        for manifest in self.bootstrap:
            if manifest.kind == "Application" and manifest.group == "argoproj.io":
                folder = next((each.folder for each in sources(manifest) if each.folder and self.is_own(each)), None)
                resources = self.root if folder == self.folder.path else ()
                found.append(Application(manifest, resources, target=folder, repository=self.repository))
        return tuple(found)

    @property
    def synced(self) -> tuple[Application, ...]:
        """Return every Application: those that install.sh applies, and those that these bring."""
        known = {each.name for each in self.applications}
        return (*(each for each in self.roots if each.name not in known), *self.applications)

    @cached_property
    def secret_sources(self) -> tuple[SecretSource, ...]:
        """Return what makes Secrets."""
        return tuple(secret_sources(self.resources))

    @cached_property
    def chart_values(self) -> tuple[ChartValues, ...]:
        """Return the values of every chart, in order of the Applications."""
        return tuple(
            values for each in self.applications for values in chart_values(each, self.repository, self.own_urls)
        )

    @cached_property
    def terraform_reading(self) -> TerraformResult:
        """Return what became of reading its Terraform."""
        return self.read_terraform()

    @property
    def terraform(self) -> Terraform | None:
        """Return what Terraform makes for it; None where there is no Terraform, or it could not be read."""
        return self.terraform_reading.terraform

    def unrendered_in(self, namespace: str) -> str:
        """Return what may bring more objects into a namespace than are known, in words; empty when nothing does."""
        maker = "EKS" if self.is_generated else "whoever made the cluster"
        known = self._unrendered.get(namespace, maker if namespace == KUBE_SYSTEM else "")
        return known or ("" if self.is_generated else self.unrendered)

    @property
    def is_gathered(self) -> bool:
        """Return whether it is a folder of plain files that nobody said to apply as a whole."""
        target = self.folder.target
        return target is not None and kustomization_file(self.repository.files, target) is None

    @property
    def is_generated(self) -> bool:
        """Return whether the template made it, so that the cluster holds what it and Terraform say and nothing else."""
        return bool(self.folder.path) and (bool(self.facts) or self.repository.is_generated)

    @cached_property
    def unrendered(self) -> str:
        """Return what may bring more objects to the cluster than are known, in words; empty when nothing does."""
        return next((each.unrendered for each in self.applications if each.unrendered), self.unread)

    @cached_property
    def unbuilt(self) -> str:
        """Return what does not build, in words: what it would bring is not there for that, and no fault of its own."""
        if self.errors:
            return f"{self.folder.path}, which does not build"
        return next((f"{each.target}, which does not build" for each in self.applications if each.errors), "")

    @cached_property
    def _unrendered(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for each in self.applications:
            if each.namespace not in found and (missing := each.unrendered):
                found[each.namespace] = missing
        return found

    def namespace_of_chart(self, chart: str) -> str:
        """Return the namespace of the Application that brings a chart; empty where none does."""
        bringing = (each for each in self.applications if any(source.chart == chart for source in each.sources))
        return next((each.namespace for each in bringing), "")

    def is_misaddressed(self, source: Source) -> bool:
        """Return whether a source reads a folder of this repository from another address than its own."""
        own = self.facts.get("repository")
        if not isinstance(own, str) or not own or not source.repository or source.chart or source.repository == own:
            return False
        return bool(source.folder) and self.repository.files.is_folder(source.folder)

    @cached_property
    def application_by_name(self) -> Mapping[str, Application]:
        """Return the Applications by name."""
        return {application.name: application for application in self.applications}

    def namespace_of(self, manifest: Manifest) -> str:
        """Return the namespace that a namespaced resource lands in: its own, else its Application's destination."""
        if manifest.namespace:
            return manifest.namespace
        application = self.application_by_name.get(manifest.application)
        return application.namespace if application else ""

    def __str__(self) -> str:
        return f"environment {self.name}"
