"""Renderings kept by the content of every input, so that work is in proportion to what changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from modelyard.rendering.model import Rendering, Resource, SchemaProblem, SchemaVerdict
from modelyard.repository import Repository
from modelyard.tooling.blobs import Blobs
from modelyard.tooling.kept import MOST_BYTES

FORMAT = "3"
MAX_BYTES = MOST_BYTES


class RenderingCache:
    """A folder of renderings with their verdicts; safe to share between processes, and to throw away.

    Attributes:
        folder: Where the entries lie.
        context: What decides a rendering besides the target's inputs: renderer, schemas, Kubernetes version.
    """

    def __init__(self, folder: Path, context: str) -> None:
        self.folder = folder
        self.context = context
        self._blobs = Blobs(folder, MAX_BYTES)

    def key(self, repository: Repository, target: str) -> str | None:
        """Return the key of a target's rendering; None when its inputs have problems, which are not cached."""
        tree = repository.kustomizations.tree(target)
        if tree.problems:
            return None
        digest = hashlib.sha256(f"{FORMAT}\n{self.context}\n{target}\n".encode())
        for path in sorted(tree.inputs):
            digest.update(f"{path}\0{repository.files.digest(path)}\n".encode())
        return digest.hexdigest()

    def get(self, key: str, target: str) -> Rendering | None:
        """Return a kept rendering; an entry that is damaged, or was written under another key, counts as absent."""
        body = self._blobs.get(key)
        if body is None:
            return None
        try:
            content = orjson.loads(body)
            resources = tuple(_resource(entry) for entry in content["resources"])
        except (ValueError, KeyError, TypeError, IndexError):
            return None
        return Rendering(target, resources, cached=True)

    def put(self, key: str, rendering: Rendering) -> None:
        """Keep a rendering without errors; a cache that cannot be written is not an error."""
        if not rendering.errors:
            self._blobs.put(key, orjson.dumps({"resources": [_entry(each) for each in rendering.resources]}))

    def prune(self, now: float | None = None) -> None:
        """Remove the oldest entries past the size limit, at most once a day."""
        self._blobs.prune(now)

    def _path(self, key: str) -> Path:
        return self._blobs.path(key)


def _entry(resource: Resource) -> dict[str, Any]:
    verdict = resource.verdict
    return {
        "value": resource.value,
        "origin": resource.origin,
        "by": resource.transformed_by,
        "chart": resource.chart,
        "verdict": verdict
        and [verdict.status, [(p.path, p.message, p.source) for p in verdict.problems], verdict.rules_checked],
    }


def _resource(entry: dict[str, Any]) -> Resource:
    kept = entry["verdict"]
    verdict = SchemaVerdict(kept[0], tuple(SchemaProblem(*problem) for problem in kept[1]), kept[2]) if kept else None
    return Resource(entry["value"], entry["origin"], tuple(entry["by"]), verdict, entry["chart"])
