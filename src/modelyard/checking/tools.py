"""Which backend renders and validates here, and what is not checked without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.checking.options import CheckOptions
from modelyard.checking.stage import RenderPipeline, with_verdicts
from modelyard.findings import NotChecked, UserError
from modelyard.rendering import LibraryRenderer, ProcessRenderer, Renderer, Rendering, RenderingCache
from modelyard.repository import SETTINGS, EnvironmentFolder, FileAddress, Repository
from modelyard.repository.locks import Lock, cached_definitions, is_url, read_lock
from modelyard.schemas import DEFAULT_KUBERNETES, SchemaBundle, Validator
from modelyard.tooling import cache, find
from modelyard.tooling.renderer import RENDERER
from modelyard.tooling.streaming import LineProcess

if TYPE_CHECKING:
    from modelyard.checking.charts import Charts


def folders(repository: Repository, options: CheckOptions) -> list[EnvironmentFolder]:
    """Return the folders of the environments that are asked for.

    Raises:
        UserError: There are none, or one that is named does not exist.
    """
    if not repository.environments:
        raise UserError(
            f"{repository.root / repository.scope} holds no environments, no Applications and no manifests",
            fix="name a folder with manifests or Argo CD's Applications, or make a repository with `modelyard new`",
        )
    names = options.environments or tuple(repository.environments)
    given = dict(options.facts)
    found = [repository.environment(name) for name in names]
    return [replace(each, facts={**each.facts, **given}) for each in found] if given else found


def by_version(wanted: Iterable[EnvironmentFolder], options: CheckOptions) -> dict[str, list[EnvironmentFolder]]:
    """Return folders of environments by the Kubernetes version that they are checked against; empty for the default."""
    groups: dict[str, list[EnvironmentFolder]] = {}
    for folder in wanted:
        version = options.kubernetes_version or str(folder.facts.get("kubernetes") or "")
        groups.setdefault(version, []).append(folder)
    return groups


class CheckContext:
    """The tools of one check; those for each Kubernetes version of its environments are there from the start.

    Args:
        repository: The repository to check.
        options: What was asked for.
        prestarted: A renderer that was started already, of `prestart_renderer`; the first stage uses it.

    Attributes:
        gaps: What is not checked for lack of a tool, or of something fetched.

    Raises:
        UserError: There is no environment, no renderer is installed, or one that was asked for by name is not.
    """

    def __init__(self, repository: Repository, options: CheckOptions, prestarted: LineProcess | None = None) -> None:
        self.repository = repository
        self.options = options
        self.lock = read_lock(repository.files)
        self._ahead = prestarted
        self.crd_paths = _crd_paths(repository, self.lock)
        gaps = list(_unfetched(repository, self.lock))
        self._stages: dict[str, RenderPipeline] = {}
        for version in by_version(folders(repository, options), options):
            stage = self._stages[version or DEFAULT_KUBERNETES] = self._pipeline(version or DEFAULT_KUBERNETES)
            if stage.validator is None and not stage.renderer.validates:
                gaps.append(
                    NotChecked("schemas", "kubeconform is not installed", "modelyard tools install kubeconform")
                )
        self.gaps = tuple(gaps)

    def stage(self, kubernetes_version: str) -> RenderPipeline:
        """Return the stage for environments of one Kubernetes version, of those that are checked."""
        return self._stages[kubernetes_version or DEFAULT_KUBERNETES]

    def ready(self) -> AbstractContextManager[None]:
        """Let the renderer of the first stage get ready, and keep it for the length of a block."""
        return next(iter(self._stages.values())).ready(self.repository)

    def _pipeline(self, version: str) -> RenderPipeline:
        renderer = self._renderer(version)
        validator: Callable[[Sequence[Rendering]], Iterator[Rendering]] | None = None
        identity = renderer.identity
        if not renderer.validates and find("kubeconform") is not None:
            kubeconform = Validator(version, self.crd_paths, self.options.jobs)
            identity = f"{identity}\n{kubeconform.identity}"
            validator = _validating(kubeconform)
        kept = None
        if self.options.use_cache:
            kept = RenderingCache(cache() / "renderings", identity)
            kept.prune()
        return RenderPipeline(renderer, validator, kept, identity)

    def charts(self, kubernetes_version: str) -> Charts:
        """Return what renders the charts of environments of one Kubernetes version."""
        from modelyard.checking.charts import Charts  # the view with it, which what is kept does without

        version = kubernetes_version or DEFAULT_KUBERNETES
        renderer = self.stage(kubernetes_version).renderer
        validator = Validator(version, self.crd_paths, self.options.jobs) if find("kubeconform") else None
        kept = RenderingCache(cache() / "renderings", "") if self.options.use_cache else None
        by_library = renderer if isinstance(renderer, LibraryRenderer) else None
        return Charts(self.lock, version, by_library, validator, kept)

    def _renderer(self, kubernetes_version: str) -> Renderer:
        wanted = self.options.backend
        if wanted == "processes" or (wanted is None and find(RENDERER) is None):
            return ProcessRenderer(self.options.jobs)
        bundle = SchemaBundle(kubernetes_version, self.crd_paths)
        prestarted, self._ahead = self._ahead, None
        return LibraryRenderer(
            bundle.native_file,
            [bundle.crd_folder],
            self.crd_paths,
            schemas=bundle.identity,
            jobs=self.options.jobs,
            prestarted=prestarted,
        )


def _validating(validator: Validator) -> Callable[[Sequence[Rendering]], Iterator[Rendering]]:
    def validated(renderings: Sequence[Rendering]) -> Iterator[Rendering]:
        verdicts = iter(validator.verdicts([each.value for rendering in renderings for each in rendering.resources]))
        for rendering in renderings:
            yield with_verdicts(rendering, [next(verdicts) for _ in rendering.resources])

    return validated


def _crd_paths(repository: Repository, lock: Lock) -> list[Path]:
    """Return the files with definitions that `modelyard.yaml` names; those that were not fetched are left out."""
    found = []
    for index, path in enumerate(repository.crds):
        if is_url(path):
            fetched = cached_definitions(lock, path)
            if fetched is not None:
                found.append(fetched)
            continue
        if not (repository.files.is_file(path) or repository.files.is_folder(path)):
            raise UserError(
                f"{SETTINGS}: crds names {path}, which does not exist",
                fix="name a file or folder with CustomResourceDefinitions, or a URL for modelyard fetch",
                at=FileAddress(repository.files, SETTINGS, ("crds", index)),
            )
        repository.files.put_on_disk([path])
        found.append(repository.files.real(path))
    return found


def _unfetched(repository: Repository, lock: Lock) -> Iterator[NotChecked]:
    for path in repository.crds:
        if is_url(path) and cached_definitions(lock, path) is None:
            yield NotChecked(f"CRDs {path}", "not in the cache", "run modelyard fetch")
