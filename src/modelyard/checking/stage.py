"""Rendering and validating targets, with the cache in front."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from modelyard.rendering import Renderer, Rendering, RenderingCache, input_errors
from modelyard.repository import Repository

BATCH = 64
"""Targets validated together: enough to make a validator's start-up negligible, few enough to bound memory."""

Validator = Callable[[Sequence[Rendering]], Iterator[Rendering]]
"""Returns renderings with a verdict on each resource."""


class RenderPipeline:
    """Renders targets, from the cache where their inputs are unchanged.

    Attributes:
        renderer: The backend.
        validator: Sets the verdicts; None when the renderer did, or when nothing can.
        cache: Where renderings are kept; None for none.
        identity: What decides renderings and verdicts besides the inputs.
    """

    def __init__(
        self, renderer: Renderer, validator: Validator | None, cache: RenderingCache | None, identity: str = ""
    ) -> None:
        self.renderer = renderer
        self.validator = validator
        self.cache = cache
        self.identity = identity

    @contextmanager
    def ready(self, repository: Repository) -> Iterator[None]:
        """Let the renderer get ready while targets are looked for, and keep it for the length of a block."""
        self.renderer.start(repository)
        try:
            yield
        finally:
            self.renderer.close()

    def run(
        self, repository: Repository, targets: Sequence[str], done: Callable[[int], None] = lambda count: None
    ) -> dict[str, Rendering]:
        """Return the rendering of each target.

        Args:
            repository: Where the targets are.
            targets: Folders; each is rendered once.
            done: Told how many are finished, as they finish.
        """
        found: dict[str, Rendering] = {}
        keys: dict[str, str | None] = {}
        wanted: list[str] = []
        for target in dict.fromkeys(targets):
            tree = repository.kustomizations.tree(target)
            if tree.problems:
                found[target] = Rendering(target, errors=input_errors(tree))
                continue
            keys[target] = self.cache.key(repository, target) if self.cache else None
            key = keys[target]
            kept = self.cache.get(key, target) if self.cache and key else None
            if kept is None:
                wanted.append(target)
            else:
                found[target] = kept
        repository.files.put_on_disk(
            path for target in wanted for path in repository.kustomizations.tree(target).inputs
        )
        done(len(found))
        batch: list[Rendering] = []
        for rendering in self.renderer.render(repository, wanted):
            batch.append(rendering)
            if len(batch) >= BATCH:
                self._finish(batch, keys, found)
                batch = []
            done(len(found) + len(batch))
        self._finish(batch, keys, found)
        done(len(found))
        return found

    def _finish(self, batch: list[Rendering], keys: dict[str, str | None], found: dict[str, Rendering]) -> None:
        finished = list(self.validator(batch)) if self.validator and batch else batch
        for rendering in finished:
            found[rendering.target] = rendering
            key = keys[rendering.target]
            if self.cache and key and not rendering.errors:
                self.cache.put(key, rendering)


def with_verdicts(rendering: Rendering, verdicts: Sequence[object]) -> Rendering:
    """Return a rendering whose resources carry the verdicts, in the same order."""
    resources = tuple(
        replace(resource, verdict=verdict)  # type: ignore[arg-type]
        for resource, verdict in zip(rendering.resources, verdicts, strict=True)
    )
    return replace(rendering, resources=resources)
