"""Renderings kept by the content of every input, so that work is in proportion to what changed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from pathlib import Path
from typing import Any

import orjson

from modelyard.rendering.model import Rendering, Resource, SchemaProblem, SchemaVerdict
from modelyard.repository import Repository
from modelyard.tooling.kept import MOST_BYTES

FORMAT = "3"
MAX_BYTES = MOST_BYTES
_DIGEST_BYTES = 32
_TOUCH_EVERY_SECONDS = 24 * 3600
_PRUNE_EVERY_SECONDS = 24 * 3600


class RenderingCache:
    """A folder of renderings with their verdicts; safe to share between processes, and to throw away.

    Attributes:
        folder: Where the entries lie.
        context: What decides a rendering besides the target's inputs: renderer, schemas, Kubernetes version.
    """

    def __init__(self, folder: Path, context: str) -> None:
        self.folder = folder
        self.context = context

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
        path = self._path(key)
        try:
            raw = path.read_bytes()
            body = memoryview(raw)[_DIGEST_BYTES:]
            if raw[:_DIGEST_BYTES] != _digest(key, body):
                return None
            content = orjson.loads(body)
            resources = tuple(_resource(entry) for entry in content["resources"])
            if abs(time.time() - path.stat().st_mtime) > _TOUCH_EVERY_SECONDS:
                path.touch()  # the oldest by use go first
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None
        return Rendering(target, resources, cached=True)

    def put(self, key: str, rendering: Rendering) -> None:
        """Keep a rendering without errors; a cache that cannot be written is not an error."""
        if rendering.errors:
            return
        path = self._path(key)
        temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        body = orjson.dumps({"resources": [_entry(each) for each in rendering.resources]})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(_digest(key, body) + body)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):  # a folder of the way may be a file
                temporary.unlink(missing_ok=True)

    def prune(self, now: float | None = None) -> None:
        """Remove the oldest entries past the size limit, at most once a day."""
        now = time.time() if now is None else now
        stamp = self.folder / "pruned"
        try:
            # A clock that went back would leave a stamp of the future, which must not keep this away for ever.
            if stamp.exists() and abs(now - stamp.stat().st_mtime) < _PRUNE_EVERY_SECONDS:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            stamp.touch()
            entries = [(path.stat(), path) for path in self.folder.glob("*/*.json")]
            excess = sum(stat.st_size for stat, _ in entries) - MAX_BYTES
            for stat, path in sorted(entries, key=lambda entry: entry[0].st_mtime):
                if excess <= 0:
                    return
                path.unlink(missing_ok=True)
                excess -= stat.st_size
        except OSError:
            return

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.json"


def _digest(key: str, body: bytes | memoryview) -> bytes:
    total = hashlib.sha256(key.encode())
    total.update(body)
    return total.digest()


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
