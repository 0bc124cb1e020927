"""What one Application's chart is rendered from: its archive, its release, and its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from modelyard.checking.revisions import Revisions
from modelyard.findings import Address, UserError
from modelyard.rendering import ChartInputs
from modelyard.repository import MalformedYAML, Repository
from modelyard.repository.locks import Lock, cached_chart, local_chart
from modelyard.repository.yaml import documents
from modelyard.view import Manifest, Source, sources
from modelyard.view.shapes import listed

_LONGEST_RELEASE = 53  # Helm: pkg/chartutil/validate_name.go at v3.19.0


class NotRenderable(Exception):
    """A chart cannot be rendered here; the text says why."""


@dataclass(frozen=True, slots=True)
class ChartJob:
    """One chart to render for one Application.

    Attributes:
        application: The Application.
        source: The source of it that names the chart.
        archive: The chart's archive.
        namespace: Namespace of the release.
        value_files: Files of values with the repository, at its revision, that has them; a later one wins.
        values: Values on top of the files.
        is_local: Whether the archive was packed on this machine, and is not what a publisher offers.
        folder: The folder of the repository that holds the chart; empty for one of a publisher.
    """

    application: Manifest
    source: Source
    archive: Path
    namespace: str
    value_files: tuple[tuple[Repository, str], ...]
    values: Mapping[str, Any]
    is_local: bool = False
    folder: str = ""

    @property
    def name(self) -> str:
        """The chart with its version."""
        if self.folder:
            return f"in {self.folder}"
        return f"{self.source.chart} {self.source.revision}"

    @property
    def target(self) -> str:
        """What its rendering is called: the folder with the chart, else that of the Application."""
        return self.folder or self.application.target

    @property
    def release(self) -> str:
        """Name of the release."""
        helm = self.source.value.get("helm") or {}
        return str(helm.get("releaseName") or _release_of(self.application.name))

    @property
    def skip_crds(self) -> bool:
        """Whether the definitions in the chart's `crds` folder are left out."""
        return bool((self.source.value.get("helm") or {}).get("skipCrds"))

    @property
    def at(self) -> Address:
        """Where the chart is named."""
        return self.application.at((*self.source.path, "path" if self.folder else "chart"))

    def inputs(self, kubernetes_version: str, api_versions: tuple[str, ...]) -> ChartInputs:
        """Return what the renderer is asked for.

        Args:
            kubernetes_version: Full version that the chart is told, such as `1.35.6`.
            api_versions: API versions that the chart is told are there.
        """
        texts = [repository.files.text(path) for repository, path in self.value_files]
        if self.values:
            texts.append(orjson.dumps(self.values).decode())  # JSON is YAML, and values are read as YAML
        return ChartInputs(
            self.name,
            self.target,
            self.at,
            self.archive,
            self.release,
            self.namespace,
            kubernetes_version,
            api_versions,
            tuple(texts),
            self.skip_crds,
        )


def chart_job(manifest: Manifest, source: Source, revisions: Revisions, lock: Lock) -> ChartJob:
    """Return what is rendered for a source of an Application that names a chart.

    Args:
        manifest: The Application.
        source: Its source.
        revisions: The repository at the revisions that value files are read at.
        lock: What was fetched.

    Raises:
        NotRenderable: The archive or a file of values is not here, or values are given in a way that is not followed.
    """
    fetched = cached_chart(lock, source.chart, source.revision, source.repository)
    archive = fetched or local_chart(source.chart, source.revision)
    if archive is None:
        raise NotRenderable("not in the cache")
    helm = source.value.get("helm") or {}
    if helm.get("parameters") or helm.get("fileParameters"):
        raise NotRenderable("helm parameters are not rendered here; use value files")
    namespace = str(manifest.get("spec.destination.namespace", "") or "default")
    return ChartJob(
        manifest,
        source,
        archive,
        namespace,
        tuple(value_file(manifest, str(entry), revisions) for entry in listed(helm, "valueFiles")),
        given_values(helm),
        fetched is None,
    )


def value_file(manifest: Manifest, entry: str, revisions: Revisions) -> tuple[Repository, str]:
    """Return the repository and path that an entry such as `$repository/environments/dev/values.yaml` names."""
    reference, _, path = entry.partition("/")
    if not reference.startswith("$"):
        raise NotRenderable(f"its values {entry} are not in this repository")
    source = next((each for each in sources(manifest) if each.value.get("ref") == reference[1:]), None)
    if source is None:
        raise NotRenderable(f"no source is called {reference[1:]}, which its values {entry} need")
    at_revision = revisions.at(source.revision)
    if isinstance(at_revision, str):
        raise NotRenderable(at_revision)
    try:
        at_revision.files.read(path)
    except UserError as error:
        raise NotRenderable(error.message) from None
    return at_revision, path


def given_values(helm: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values in an Application itself.

    Raises:
        NotRenderable: Their text is not YAML.
    """
    own = helm.get("valuesObject")
    if isinstance(own, dict):
        return own
    text = helm.get("values")
    if not isinstance(text, str):
        return {}
    try:
        content = documents("helm.values", text)
    except MalformedYAML as error:
        raise NotRenderable(error.message) from None
    return content[0] if content and isinstance(content[0], dict) else {}


def _release_of(application: str) -> str:
    """Return the name that a release has of its Application; a folder that is checked by itself gives its last part."""
    return application.rpartition("/")[2].strip("-._").lower().replace("_", "-")[:_LONGEST_RELEASE] or "chart"
