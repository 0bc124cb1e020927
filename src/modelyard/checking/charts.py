"""Rendering the charts of Applications from the locked cache, as Argo CD would."""

from __future__ import annotations

import contextlib
import hashlib
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from modelyard.checking.chart_jobs import ChartJob, NotRenderable, chart_job
from modelyard.checking.local_charts import local_chart_job
from modelyard.checking.revisions import Revisions
from modelyard.checking.views import ChartFolder, RenderPlan
from modelyard.findings import NotChecked, UserError
from modelyard.rendering import LibraryRenderer, RenderError, Rendering, RenderingCache, Resource
from modelyard.repository.locks import Lock
from modelyard.repository.yaml import MalformedYAML, rendered
from modelyard.schemas import Validator, native_version
from modelyard.tooling import ToolTimedOut, find, parallel, write_whole
from modelyard.tooling.charts import ChartFailed, render_chart
from modelyard.view import Manifest, Source, sources

_ROUNDS = 3
"""How often charts that ask which APIs are there are rendered, each time told what the last round brought."""

_ASKS = b"Capabilities.APIVersions"


@dataclass(frozen=True, slots=True)
class ChartRenderings:
    """What the charts of an environment's Applications render to.

    Attributes:
        by_application: The renderings, by the Application's name.
        gaps: Charts that cannot be rendered here.
    """

    by_application: Mapping[str, Rendering]
    gaps: tuple[NotChecked, ...] = ()


class Charts:
    """Renders the charts of environments of one Kubernetes version.

    Attributes:
        lock: What was fetched.
        kubernetes_version: Such as `1.35`.
        renderer: Renders and judges charts; None where helm and kubeconform do.
        validator: Sets verdicts on what helm renders; None where kubeconform is missing.
        cache: Where renderings are kept; None for none.
        ran_late: Whether a chart took longer than it may, which it need not do at the next check.
    """

    def __init__(
        self,
        lock: Lock,
        kubernetes_version: str,
        renderer: LibraryRenderer | None,
        validator: Validator | None,
        cache: RenderingCache | None,
    ) -> None:
        self.lock = lock
        self.kubernetes_version = kubernetes_version
        self.renderer = renderer
        self.validator = validator
        self.cache = cache
        self.ran_late = False

    def render(self, plan: RenderPlan, revisions: Revisions, beside: Iterable[Rendering] = ()) -> ChartRenderings:
        """Return what the charts of an environment's Applications render to.

        Args:
            plan: The environment's Applications.
            revisions: The repository at the revisions that value files are read at.
            beside: What else the environment consists of; charts are told the APIs that it defines.
        """
        jobs: list[ChartJob] = []
        gaps: list[NotChecked] = []
        for child in plan.children:
            manifest = child.application
            for source in sources(manifest):
                if not source.chart:
                    continue
                try:
                    jobs.append(self._job(manifest, source, revisions))
                except NotRenderable as reason:
                    gaps.append(_gap(manifest, source, str(reason), plan.folder.name))
            for folder in child.charts:
                try:
                    jobs.append(self._local(manifest, folder, revisions))
                except NotRenderable as reason:
                    gaps.append(_folder_gap(manifest, folder, str(reason), plan.folder.name))
        gaps.extend(_packed_here(job, plan.folder.name) for job in jobs if job.is_local)
        renderings: dict[str, Rendering] = {}
        for job, rendering in zip(jobs, self._renderings(jobs, beside, revisions), strict=True):
            name = job.application.name
            if job.folder and rendering.errors:
                # A chart may refuse values that its own defaults lack, which whoever installs it gives elsewhere.
                why = rendering.errors[0].message
                gaps.append(NotChecked(f"chart in {job.folder}", why, environment=plan.folder.name, application=name))
                continue
            late = next((error for error in rendering.errors if error.kind == "timeout"), None)
            if late is not None:  # it costs its own Application, not the check
                self.ran_late = True
                gaps.append(_gap(job.application, job.source, late.message, plan.folder.name))
                continue
            before = renderings.get(name)
            renderings[name] = rendering if before is None else _together(before, rendering)
            if self.renderer is None and self.validator is None and rendering.resources:
                gaps.append(
                    NotChecked(
                        f"schemas of chart {job.name}",
                        "kubeconform is not installed",
                        "modelyard tools install kubeconform",
                        environment=plan.folder.name,
                        application=name,
                    )
                )
        return ChartRenderings(renderings, tuple(gaps))

    def _job(self, manifest: Manifest, source: Source, revisions: Revisions) -> ChartJob:
        job = chart_job(manifest, source, revisions, self.lock)
        if self.renderer is None and find("helm") is None:
            raise NotRenderable("helm is not installed")
        return job

    def _local(self, manifest: Manifest, folder: ChartFolder, revisions: Revisions) -> ChartJob:
        job = local_chart_job(manifest, folder, revisions)
        if self.renderer is None and find("helm") is None:
            raise NotRenderable("helm is not installed")
        return job

    def _renderings(
        self, jobs: Sequence[ChartJob], beside: Iterable[Rendering], revisions: Revisions
    ) -> list[Rendering]:
        """Return the rendering of each job; those that ask which APIs are there are told all that the others bring."""
        asking = [position for position, job in enumerate(jobs) if asks_for_apis(job.archive)]
        silent = [position for position in range(len(jobs)) if position not in set(asking)]
        found = dict(zip(silent, self._round([jobs[each] for each in silent], (), revisions), strict=True))
        told: tuple[str, ...] | None = None
        for _ in range(_ROUNDS if asking else 0):
            apis = defined_apis([*beside, *found.values()])
            if apis == told:
                break
            told = apis
            found.update(zip(asking, self._round([jobs[each] for each in asking], apis, revisions), strict=True))
        return [found[position] for position in range(len(jobs))]

    def _round(self, jobs: Sequence[ChartJob], apis: tuple[str, ...], revisions: Revisions) -> list[Rendering]:
        keys = [self._key(job, apis) for job in jobs]
        found: dict[int, Rendering] = {}
        for position, (job, key) in enumerate(zip(jobs, keys, strict=True)):
            kept = self.cache.get(key, job.target) if self.cache else None
            if kept is not None:
                found[position] = kept
        missing = [position for position in range(len(jobs)) if position not in found]
        for position, rendering in self._rendered(missing, jobs, apis, revisions):
            found[position] = _with_values(rendering, jobs[position])
            if self.cache:
                self.cache.put(keys[position], found[position])
        return [found[position] for position in range(len(jobs))]

    def _rendered(
        self, positions: Sequence[int], jobs: Sequence[ChartJob], apis: tuple[str, ...], revisions: Revisions
    ) -> Iterable[tuple[int, Rendering]]:
        if self.renderer is None:
            by_helm = partial(self._by_helm, apis=apis)
            return zip(positions, parallel(by_helm, [jobs[each] for each in positions]), strict=True)
        inputs = [jobs[each].inputs(self._told_version(), apis) for each in positions]
        answers = self.renderer.render_charts(revisions.repository, inputs)
        return ((positions[position], rendering) for position, rendering in answers)

    def _told_version(self) -> str:
        return native_version(self.kubernetes_version) or self.kubernetes_version

    def _by_helm(self, job: ChartJob, apis: tuple[str, ...]) -> Rendering:
        try:
            output = render_chart(
                job.archive,
                release=job.release,
                namespace=job.namespace,
                kubernetes_version=self._told_version(),
                value_files=[repository.files.real(path) for repository, path in job.value_files],
                values=job.values,
                api_versions=apis,
                skip_crds=job.skip_crds,
            )
        except ToolTimedOut as late:
            return Rendering(job.target, errors=(RenderError("timeout", late.message, job.at, late.fix),))
        except ChartFailed as failed:
            message = f"chart {job.name}: {failed.message}"
            return Rendering(job.target, errors=(RenderError("build", message, job.at, failed.fix),))
        try:
            values = [value for value in rendered(output, f"the output of chart {job.name}") if isinstance(value, dict)]
        except MalformedYAML as refusal:
            error = RenderError("build", refusal.message, job.at, refusal.fix)
            return Rendering(job.target, errors=(error,))
        verdicts = self.validator.verdicts(values) if self.validator else [None] * len(values)
        return Rendering(
            job.target,
            tuple(
                Resource(value, None, (), verdict, job.name) for value, verdict in zip(values, verdicts, strict=True)
            ),
        )

    def _key(self, job: ChartJob, apis: tuple[str, ...]) -> str:
        helm = find("helm") if self.renderer is None else None
        parts: list[object] = [
            "chart 2",
            self.renderer.identity if self.renderer else "",
            helm.version if helm else "",
            self.kubernetes_version,
            self.validator.identity if self.validator and self.renderer is None else "",
            job.archive.parent.name,
            job.name,
            job.release,
            job.namespace,
            job.skip_crds,
            dict(job.values),
            [(path, repository.files.digest(path)) for repository, path in job.value_files],
            apis,
        ]
        return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def asks_for_apis(archive: Path) -> bool:
    """Return whether a chart's templates ask which APIs are there; remembered beside the archive."""
    kept = archive.with_name("asks-for-apis.json")
    try:
        remembered = orjson.loads(kept.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        remembered = None
    if isinstance(remembered, bool):
        return remembered
    try:
        with tarfile.open(archive) as content:
            asks = any(
                _ASKS in stream.read()
                for member in content
                if "/templates/" in member.name and (stream := content.extractfile(member)) is not None
            )
    except (tarfile.TarError, OSError, EOFError):
        return False  # rendering it says what is wrong with it
    with contextlib.suppress(UserError):  # a cache that cannot be written costs reading the archive again, nothing else
        write_whole(kept, orjson.dumps(asks))
    return asks


def defined_apis(renderings: Iterable[Rendering]) -> tuple[str, ...]:
    """Return the APIs that definitions among resources bring, as `group/version` and `group/version/Kind`, sorted."""
    found: set[str] = set()
    for rendering in renderings:
        for resource in rendering.resources:
            if resource.value.get("kind") == "CustomResourceDefinition":
                found.update(_apis(resource.value.get("spec")))
    return tuple(sorted(found))


def _apis(spec: Any) -> Iterable[str]:
    if not isinstance(spec, dict):
        return
    names, versions = spec.get("names"), spec.get("versions")
    kind = names.get("kind") if isinstance(names, dict) else None
    for version in versions if isinstance(versions, list) else ():
        if isinstance(version, dict) and version.get("served") is not False:
            api = f"{spec.get('group')}/{version.get('name')}"
            yield api
            yield f"{api}/{kind}"


def _with_values(rendering: Rendering, job: ChartJob) -> Rendering:
    """Return a rendering whose resources name the files of values that the chart was given."""
    files = tuple(path for _, path in job.value_files)
    origin = files[-1] if files else None
    return replace(
        rendering,
        resources=tuple(replace(each, origin=origin, transformed_by=files) for each in rendering.resources),
    )


def _gap(manifest: Manifest, source: Source, reason: str, environment: str) -> NotChecked:
    remedies = {
        "not in the cache": "run modelyard fetch",
        "helm is not installed": "modelyard tools install modelyard-render",
    }
    return NotChecked(
        f"chart {source.chart} {source.revision}",
        reason,
        remedies.get(reason, ""),
        environment=environment,
        application=manifest.name,
    )


def _folder_gap(manifest: Manifest, folder: ChartFolder, reason: str, environment: str) -> NotChecked:
    return NotChecked(f"chart in {folder.source.folder}", reason, environment=environment, application=manifest.name)


def _packed_here(job: ChartJob, environment: str) -> NotChecked:
    return NotChecked(
        f"chart {job.name}",
        "packed on this machine, and not what its repository offers",
        "run modelyard fetch",
        environment=environment,
        application=job.application.name,
    )


def _together(first: Rendering, second: Rendering) -> Rendering:
    return replace(
        first,
        resources=first.resources + second.resources,
        errors=first.errors + second.errors,
        cached=first.cached and second.cached,
    )
