"""Many checks of one repository, each of it with another change, in work proportionate to what changes."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelyard.checking import CheckOptions, check_repository
from modelyard.checking.environments import environments
from modelyard.checking.stage import RenderPipeline
from modelyard.checking.tools import CheckContext
from modelyard.findings import Address, At, Report, UserError
from modelyard.rendering import LibraryRenderer, RenderError, Rendering, RenderingCache, Resource
from modelyard.repository import FileAddress, Files, Repository
from modelyard.repository.kustomization import Kustomizations
from modelyard.view import Environment

RENEWED_AFTER = 500
"""Targets after which the renderer is started anew, since it keeps every file that it read."""


class Workbench:
    """Checks a repository with one change after another.

    What is not reached by a change is taken from the first check: contents and documents of files, kustomizations, and
    renderings. The renderer stays; each rendering is given a folder of its own, for it takes a file as it first was.

    Args:
        root: The repository; it is changed on disk and put right again.
        scratch: A folder for what is rendered.
    """

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = root
        self.options = CheckOptions(policies=False)
        self.renderings: dict[str, Rendering] = {}
        self.renderer = _Renderer(scratch)
        self.base = Repository(root)
        self._keeping = True
        self.report = self._examined(self.base)
        self._keeping = False

    @property
    def texts(self) -> dict[str, str]:
        """The content of the files that the check of the unchanged repository read."""
        found = {}
        for path, content in self.base.files._bytes.items():
            with contextlib.suppress(UnicodeDecodeError):
                found[path] = content.decode()
        return found

    def check(self, changed: Mapping[str, str]) -> tuple[Report, bool]:
        """Return what a check says with some files changed, and whether anything is rendered otherwise."""
        with self._changed(changed) as repository:
            report = self._examined(repository)
        return report, self._differs(self.renderer.rendered)

    @contextlib.contextmanager
    def _changed(self, changed: Mapping[str, str]) -> Iterator[Repository]:
        """Change files on disk for the length of a block, which is given the repository as it is then."""
        before = {path: (self.root / path).read_bytes() for path in changed}
        try:
            for path, text in changed.items():
                (self.root / path).write_text(text)
            self.renderer.rendered = {}
            yield _overlaid(self.base, {path: text.encode() for path, text in changed.items()})
        finally:
            for path, content in before.items():
                (self.root / path).write_bytes(content)

    def views_with(self, changed: Mapping[str, str]) -> tuple[Environment, ...]:
        """Return the environments with some files changed; none where they cannot be read. No rule is asked."""
        views: tuple[Environment, ...] = ()
        with self._changed(changed) as repository, contextlib.suppress(UserError):
            cache = _Kept(self.renderings, keeping=False)
            context = _Context(repository, self.options, self.renderer, cache)
            views = environments(repository, self.options, context=context).views
        return views

    def resources_with(self, changed: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        """Return the resources that are rendered otherwise with some files changed, by folder; no rule is asked."""
        known = {each.target: [one.value for one in each.resources] for each in self.renderings.values()}
        self.views_with(changed)
        found = {}
        for target, rendering in self.renderer.rendered.items():
            values = [each.value for each in rendering.resources if each.value not in known.get(target, [])]
            if values:
                found[target] = values
        return found

    def close(self) -> None:
        """End the renderer."""
        if self.renderer.inner is not None:
            self.renderer.inner.close()

    def _examined(self, repository: Repository) -> Report:
        cache = _Kept(self.renderings, keeping=self._keeping)
        return check_repository(
            repository, self.options, context=_Context(repository, self.options, self.renderer, cache)
        )

    def _differs(self, rendered: Mapping[str, Rendering]) -> bool:
        known = {each.target: each for each in self.renderings.values()}
        for target, rendering in rendered.items():
            base = known.get(target)
            if base is None or rendering.errors:
                return True
            if [each.value for each in base.resources] != [each.value for each in rendering.resources]:
                return True
        return False


class _Files(Files):
    """Files of which some are changed; what is known of the others is known here."""

    def __init__(self, base: Files, changed: Mapping[str, bytes]) -> None:
        super().__init__(base.root)
        for name in ("_bytes", "_digests", "_documents"):
            known: dict[str, Any] = getattr(base, name)
            setattr(self, name, {path: value for path, value in known.items() if path not in changed})
        self._real = dict(base._real)
        self._listings = dict(base._listings)
        self._bytes.update(changed)


class _Kustomizations(Kustomizations):
    """Kustomizations of which some are changed."""

    def __init__(self, files: Files, base: Kustomizations, changed: Mapping[str, bytes]) -> None:
        super().__init__(files)
        self._known = {folder: each for folder, each in base._known.items() if each.file not in changed}
        self._trees = {
            target: tree
            for target, tree in base._trees.items()
            if not tree.inputs & changed.keys() and not tree.problems
        }


def _overlaid(base: Repository, changed: Mapping[str, bytes]) -> Repository:
    repository = Repository(base.root, _Files(base.files, changed))
    repository.kustomizations = _Kustomizations(repository.files, base.kustomizations, changed)
    return repository


class _Context(CheckContext):
    """Tools of a check whose renderer stays, and whose renderings are kept in memory."""

    def __init__(
        self, repository: Repository, options: CheckOptions, renderer: _Renderer, cache: RenderingCache
    ) -> None:
        self._renderer_that_stays = renderer
        self._cache = cache
        super().__init__(repository, options)

    def _pipeline(self, version: str) -> RenderPipeline:
        if self._renderer_that_stays.inner is None:
            own = self._renderer(version)
            assert isinstance(own, LibraryRenderer), "mutants are rendered by the library renderer"
            self._renderer_that_stays.inner = own
        return RenderPipeline(self._renderer_that_stays, None, self._cache)


class _Kept(RenderingCache):
    """Renderings of the unchanged repository, in memory."""

    def __init__(self, known: dict[str, Rendering], *, keeping: bool) -> None:
        super().__init__(Path(), "")
        self._known, self._keeping = known, keeping

    def get(self, key: str, target: str) -> Rendering | None:
        return self._known.get(key)

    def put(self, key: str, rendering: Rendering) -> None:
        if self._keeping:
            self._known[key] = rendering


class _Renderer:
    """A renderer that stays, and renders copies of what a target reads, each in a folder of its own."""

    name = "library"
    validates = True

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.inner: LibraryRenderer | None = None
        self.rendered: dict[str, Rendering] = {}
        self._number = 0
        self._since_start = RENEWED_AFTER

    @property
    def identity(self) -> str:
        return "mutants"

    def start(self, repository: Repository) -> None:
        """It is started when it is first asked."""

    def close(self) -> None:
        """It stays; `Workbench.close` ends it with the program."""

    def render(self, repository: Repository, targets: Sequence[str]) -> Iterator[Rendering]:
        if not targets:
            return
        assert self.inner is not None
        if self._since_start >= RENEWED_AFTER:
            shutil.rmtree(self.scratch, ignore_errors=True)
            self.scratch.mkdir(parents=True)
            self.inner.start(Repository(self.scratch))
            self._since_start = 0
        self._since_start += len(targets)
        self._number += 1
        own = f"m{self._number}"
        inputs = {path for target in targets for path in repository.kustomizations.tree(target).inputs}
        for path in inputs:
            copy = self.scratch / own / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(repository.files.read(path))
        for rendering in self.inner.render(Repository(self.scratch), [f"{own}/{target}" for target in targets]):
            known = _moved(rendering, f"{own}/", repository)
            self.rendered[known.target] = known
            yield known


def _moved(rendering: Rendering, prefix: str, repository: Repository) -> Rendering:
    """Return the rendering of a copy as that of what was copied."""

    def bare(text: str) -> str:
        return text.replace(prefix, "")

    def of_resource(resource: Resource) -> Resource:
        return replace(
            resource,
            origin=bare(resource.origin) if resource.origin else resource.origin,
            transformed_by=tuple(bare(path) for path in resource.transformed_by),
        )

    def of_address(address: Address) -> Address:
        if isinstance(address, FileAddress):
            return replace(address, files=repository.files, file=bare(address.file), target=bare(address.target))
        place = address.place()
        return At(replace(place, file=bare(place.file)))

    def of_error(error: RenderError) -> RenderError:
        return RenderError(error.kind, bare(error.message), of_address(error.at), bare(error.fix))

    return replace(
        rendering,
        target=bare(rendering.target),
        resources=tuple(of_resource(each) for each in rendering.resources),
        errors=tuple(of_error(each) for each in rendering.errors),
    )
