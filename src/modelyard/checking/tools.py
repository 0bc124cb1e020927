"""Which backend renders and validates here, and what is not checked without it."""

from __future__ import annotations

from modelyard.checking.options import CheckOptions
from modelyard.checking.stage import Stage
from modelyard.findings import NotChecked
from modelyard.rendering import ProcessRenderer, RenderingCache
from modelyard.repository import Repository
from modelyard.tooling import cache


class Tools:
    """The tools of one check."""

    def __init__(self, repository: Repository, options: CheckOptions) -> None:
        self.repository = repository
        self.options = options
        self.renderer = ProcessRenderer(options.jobs)

    def stage(self, kubernetes_version: str, gaps: list[NotChecked]) -> Stage:
        """Return the stage for environments of one Kubernetes version; adds what it cannot check to `gaps`."""
        kept = None
        if self.options.use_cache:
            kept = RenderingCache(cache() / "renderings", f"{self.renderer.identity}\n{kubernetes_version}")
            kept.prune()
        return Stage(self.renderer, None, kept)
