"""Argo CD Applications of an environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from modelyard.rendering import Path, RenderError
from modelyard.repository import Repository
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import mapping

PLATFORM, MODEL = "platform", "model"
COMPONENT_LABEL = "app.kubernetes.io/component"


@dataclass(frozen=True)
class Source:
    """One source of an Application: a folder of this repository, a chart, or another repository.

    Attributes:
        value: The source as written.
        path: Where in the Application it stands.
    """

    value: dict[str, Any]
    path: Path

    @property
    def chart(self) -> str:
        """Return the chart's name; empty when it is not a chart."""
        return str(self.value.get("chart") or "")

    @property
    def folder(self) -> str:
        """Return the folder in its repository; empty when none is rendered."""
        return str(self.value.get("path") or "").strip("/")

    @property
    def revision(self) -> str:
        """Return the revision or chart version as written; empty when absent."""
        return str(self.value.get("targetRevision") or "")

    @property
    def repository(self) -> str:
        """Return the address of the Git or chart repository."""
        return str(self.value.get("repoURL") or "")

    @property
    def kustomize(self) -> dict[str, Any]:
        """Return what Argo CD adds to the folder's kustomization; empty where it adds nothing."""
        return mapping(self.value, "kustomize")

    @property
    def directory(self) -> dict[str, Any]:
        """Return how Argo CD reads a folder of plain manifests."""
        return mapping(self.value, "directory")


@dataclass(frozen=True, eq=False)
class Application:
    """An Application and what its folder renders to.

    Attributes:
        manifest: The Application resource, rendered by the environment's root.
        resources: What its folder in this repository renders to.
        errors: Why that could not be rendered.
        target: The folder that was rendered; None when it has none in this repository.
        cached: Whether the rendering came from the cache.
        repository: The repository at the Application's revision; None when its folder is not in it.
        further: Folders of this repository that its other sources are.
        left_out: What of it was not rendered though it is in this repository, in words; empty when nothing was.
        chart_folders: Folders of this repository that hold charts, which were rendered.
    """

    manifest: Manifest
    resources: tuple[Manifest, ...] = ()
    errors: tuple[RenderError, ...] = ()
    target: str | None = None
    cached: bool = field(default=False, compare=False)
    repository: Repository | None = field(default=None, compare=False)
    further: tuple[str, ...] = ()
    left_out: str = ""
    chart_folders: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the Application's name."""
        return self.manifest.name

    @property
    def project(self) -> str:
        """Return the AppProject's name."""
        return str(self.manifest.get("spec.project", ""))

    @property
    def namespace(self) -> str:
        """Return the namespace that resources without one go to."""
        return str(self.manifest.get("spec.destination.namespace", ""))

    @property
    def is_model(self) -> bool:
        """Return whether it serves a model."""
        return self.manifest.labels.get(COMPONENT_LABEL) == MODEL

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Return the sources in order."""
        return sources(self.manifest)

    @property
    def own_resources(self) -> tuple[Manifest, ...]:
        """Return what its folder in this repository renders to, without what its charts do."""
        return tuple(manifest for manifest in self.resources if self.holds(manifest))

    def holds(self, manifest: Manifest) -> bool:
        """Return whether one of its resources was rendered from a folder of this repository, and not from a chart."""
        return not manifest.resource.chart and (manifest.target == self.target or manifest.target in self.further)

    @property
    def unrendered(self) -> str:
        """Return what of it is not among its resources, in words; empty when nothing is missing."""
        chart = next((source.chart for source in self.sources if source.chart), "")
        if chart and not any(manifest.resource.chart for manifest in self.resources):
            return f"chart {chart}"
        if self.errors:
            return f"{self.target}, which does not build"
        if self.left_out:
            return self.left_out
        own = {self.target, *self.further, *self.chart_folders}
        foreign = (source for source in self.sources if source.folder and source.folder not in own)
        return next((f"{source.folder} of {source.repository}" for source in foreign), "")

    def at(self, path: str | Path = (), *, key: bool = False) -> Any:
        """Return the address of a value of the Application resource."""
        return self.manifest.at(path, key=key)

    def __str__(self) -> str:
        return f"application {self.name}"


def sources(manifest: Manifest) -> tuple[Source, ...]:
    """Return the sources of an Application resource."""
    many = manifest.get("spec.sources")
    if isinstance(many, list) and many:  # an empty list is none: Argo CD reads the one source
        return tuple(
            Source(value, ("spec", "sources", index)) for index, value in enumerate(many) if isinstance(value, dict)
        )
    one = manifest.get("spec.source")
    return (Source(one, ("spec", "source")),) if isinstance(one, dict) else ()


def own_folders(manifest: Manifest, own_urls: frozenset[str] | None) -> tuple[Source, ...]:
    """Return the sources of an Application that are folders of this repository.

    Args:
        manifest: The Application resource.
        own_urls: Addresses of this repository; None means that any Git source counts.
    """
    return tuple(
        source
        for source in sources(manifest)
        if source.folder and not source.chart and (own_urls is None or source.repository in own_urls)
    )
