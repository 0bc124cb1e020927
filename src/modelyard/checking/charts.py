"""Rendering the charts of Applications, from the locked cache and by helm, as Argo CD would."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from modelyard.checking.revisions import Revisions
from modelyard.checking.views import Plan
from modelyard.cluster import Source, Thing, sources
from modelyard.findings import Address, NotChecked, Refusal
from modelyard.rendering import RenderError, Rendering, RenderingCache, Resource
from modelyard.repository import MalformedYAML, Repository
from modelyard.repository.locks import Lock, cached_chart
from modelyard.repository.yaml import documents, rendered
from modelyard.schemas import Validator, native_version
from modelyard.tooling import find, parallel
from modelyard.tooling.charts import ChartFailed, render_chart


class NotRenderable(Exception):
    """A chart cannot be rendered here; the text says why."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One chart to render for one Application."""

    application: Thing
    source: Source
    archive: Path
    namespace: str
    value_files: tuple[tuple[Repository, str], ...]
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.source.chart} {self.source.revision}"

    @property
    def release(self) -> str:
        helm = self.source.value.get("helm") or {}
        return str(helm.get("releaseName") or self.application.name)

    @property
    def skip_crds(self) -> bool:
        return bool((self.source.value.get("helm") or {}).get("skipCrds"))

    @property
    def at(self) -> Address:
        return self.application.at((*self.source.path, "chart"))


class Charts:
    """Renders the charts of environments of one Kubernetes version.

    Attributes:
        lock: What was fetched.
        kubernetes_version: Such as `1.35`.
        validator: Sets verdicts; None where kubeconform is missing.
        cache: Where renderings are kept; None for none.
    """

    def __init__(
        self, lock: Lock, kubernetes_version: str, validator: Validator | None, cache: RenderingCache | None
    ) -> None:
        self.lock = lock
        self.kubernetes_version = kubernetes_version
        self.validator = validator
        self.cache = cache

    def render(self, plan: Plan, revisions: Revisions, gaps: list[NotChecked]) -> dict[str, Rendering]:
        """Return what the charts of an environment's Applications render to, by Application.

        Args:
            plan: The environment's Applications.
            revisions: The repository at the revisions that value files are read at.
            gaps: Charts that cannot be rendered here are added to it.
        """
        jobs = []
        for thing, _ in plan.children:
            for source in sources(thing):
                if not source.chart:
                    continue
                try:
                    jobs.append(self._job(thing, source, revisions))
                except NotRenderable as reason:
                    gaps.append(_gap(thing, source, str(reason), plan.folder.name))
        found: dict[str, Rendering] = {}
        for job, rendering in zip(jobs, parallel(self._rendering, jobs), strict=True):
            name = job.application.name
            before = found.get(name)
            found[name] = rendering if before is None else _together(before, rendering)
            if self.validator is None and rendering.resources:
                gaps.append(
                    NotChecked(
                        f"schemas of chart {job.name}",
                        "kubeconform is not installed",
                        "modelyard tools install kubeconform",
                        environment=plan.folder.name,
                        application=name,
                    )
                )
        return found

    def _job(self, thing: Thing, source: Source, revisions: Revisions) -> _Job:
        archive = cached_chart(self.lock, source.chart, source.revision, source.repository)
        if archive is None:
            raise NotRenderable("not in the cache")
        if find("helm") is None:
            raise NotRenderable("helm is not installed")
        helm = source.value.get("helm") or {}
        if helm.get("parameters") or helm.get("fileParameters"):
            raise NotRenderable("helm parameters are not rendered here; use value files")
        namespace = str(thing.get("spec.destination.namespace", "") or "default")
        return _Job(
            thing,
            source,
            archive,
            namespace,
            tuple(_value_file(thing, str(entry), revisions) for entry in helm.get("valueFiles") or ()),
            _values(helm),
        )

    def _rendering(self, job: _Job) -> Rendering:
        key = self._key(job)
        kept = self.cache.get(key, job.application.target) if self.cache else None
        if kept is not None:
            return kept
        origin = job.value_files[-1][1] if job.value_files else None
        try:
            output = render_chart(
                job.archive,
                release=job.release,
                namespace=job.namespace,
                kubernetes_version=native_version(self.kubernetes_version) or self.kubernetes_version,
                value_files=[repository.files.real(path) for repository, path in job.value_files],
                values=job.values,
                skip_crds=job.skip_crds,
            )
        except ChartFailed as failed:
            message = f"chart {job.name}: {failed.message}"
            return Rendering(job.application.target, errors=(RenderError("build", message, job.at, failed.fix),))
        values = [value for value in rendered(output) if isinstance(value, dict)]
        verdicts = self.validator.verdicts(values) if self.validator else [None] * len(values)
        resources = tuple(
            Resource(value, origin, (), verdict, job.name) for value, verdict in zip(values, verdicts, strict=True)
        )
        rendering = Rendering(job.application.target, resources)
        if self.cache:
            self.cache.put(key, rendering)
        return rendering

    def _key(self, job: _Job) -> str:
        helm = find("helm")
        parts: list[object] = [
            "chart 1",
            helm.version if helm else "",
            self.kubernetes_version,
            self.validator.identity if self.validator else "",
            job.archive.parent.name,
            job.name,
            job.release,
            job.namespace,
            job.skip_crds,
            dict(job.values),
            [(path, repository.files.digest(path)) for repository, path in job.value_files],
        ]
        return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def _value_file(thing: Thing, entry: str, revisions: Revisions) -> tuple[Repository, str]:
    """Return the repository and path that an entry such as `$repository/environments/dev/values.yaml` names."""
    reference, _, path = entry.partition("/")
    if not reference.startswith("$"):
        raise NotRenderable(f"its values {entry} are not in this repository")
    source = next((each for each in sources(thing) if each.value.get("ref") == reference[1:]), None)
    if source is None:
        raise NotRenderable(f"no source is called {reference[1:]}, which its values {entry} need")
    at_revision = revisions.at(source.revision)
    if isinstance(at_revision, str):
        raise NotRenderable(at_revision)
    try:
        at_revision.files.read(path)
    except Refusal as refusal:
        raise NotRenderable(refusal.message) from None
    return at_revision, path


def _values(helm: Mapping[str, Any]) -> Mapping[str, Any]:
    own = helm.get("valuesObject")
    if isinstance(own, dict):
        return own
    text = helm.get("values")
    if not isinstance(text, str):
        return {}
    try:
        content = documents("helm.values", text)
    except MalformedYAML as refusal:
        raise NotRenderable(refusal.message) from None
    return content[0] if content and isinstance(content[0], dict) else {}


def _gap(thing: Thing, source: Source, reason: str, environment: str) -> NotChecked:
    remedies = {
        "not in the cache": "modelyard fetch brings it",
        "helm is not installed": "modelyard tools install helm",
    }
    return NotChecked(
        f"chart {source.chart} {source.revision}",
        reason,
        remedies.get(reason, ""),
        environment=environment,
        application=thing.name,
    )


def _together(first: Rendering, second: Rendering) -> Rendering:
    return replace(
        first,
        resources=first.resources + second.resources,
        errors=first.errors + second.errors,
        cached=first.cached and second.cached,
    )
