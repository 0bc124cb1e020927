"""The reference backend: one `kustomize build` process per target, several at a time."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml as pyyaml

from modelyard.rendering.errors import build_errors, input_errors
from modelyard.rendering.model import RenderError, Rendering, Resource
from modelyard.repository import FileAddress, Repository
from modelyard.repository.yaml import MalformedYAML, rendered
from modelyard.tooling import ToolTimedOut, brief_run, parallel, require, run

TIMEOUT_SECONDS = 60.0
_CONFIGURED_IN = re.compile(r"^- configuredIn: (.+)$", re.MULTILINE)
_ANNOTATIONS = ("config.kubernetes.io/origin", "alpha.config.kubernetes.io/transformations")


class ProcessRenderer:
    """Renders by kustomize processes.

    Each target is built through a kustomization outside the repository that lists it and asks for origin and
    transformer annotations; they are taken off again, so the resources are those of a plain build.
    """

    name = "processes"
    validates = False

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers
        self.kustomize = require("kustomize")

    @property
    def identity(self) -> str:
        """What decides the output besides the inputs, for cache keys."""
        return f"kustomize {self.kustomize.version}"

    def start(self, repository: Repository) -> None:
        """Do nothing: every target has a process of its own."""

    def close(self) -> None:
        """Do nothing: every process has ended."""

    def render(self, repository: Repository, targets: Sequence[str]) -> Iterator[Rendering]:
        """Yield one rendering per target, in order; a target with bad inputs is not built."""
        with tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
            wrappers = Path(folder).resolve()
            yield from parallel(
                lambda numbered: self._build(repository, numbered[1], wrappers / str(numbered[0])),
                enumerate(targets),
                workers=self.workers,
            )

    def _build(self, repository: Repository, target: str, wrapper: Path) -> Rendering:
        tree = repository.kustomizations.tree(target)
        if tree.problems:
            return Rendering(target, errors=input_errors(tree))
        wrapper.mkdir()
        listed = os.path.relpath(repository.files.real(target), wrapper)
        (wrapper / "kustomization.yaml").write_text(
            "buildMetadata: [originAnnotations, transformerAnnotations]\n"
            f"resources:\n  - {pyyaml.safe_dump(listed, default_style=chr(34)).strip()}\n"
        )
        try:
            built = run([self.kustomize.path, "build", str(wrapper)], timeout=TIMEOUT_SECONDS, env=brief_run())
        except ToolTimedOut as late:
            at = FileAddress(repository.files, tree.layers[-1].file)
            return Rendering(target, errors=(RenderError("timeout", f"{target}: {late.message}", at, late.fix),))
        if built.returncode:
            return Rendering(target, errors=build_errors(repository, tree, built.stderr))
        places = _Places(wrapper, repository.root)
        try:
            values = rendered(built.stdout, f"what {target or '.'} builds to")
        except MalformedYAML as error:
            at = FileAddress(repository.files, tree.layers[-1].file)
            return Rendering(target, errors=(RenderError("malformed", error.message, at, error.fix),))
        return Rendering(target, tuple(_resource(value, places) for value in values if isinstance(value, dict)))


class _Places:
    """Turns paths that Kustomize gives relative to the wrapper into paths relative to the repository."""

    def __init__(self, wrapper: Path, root: Path) -> None:
        self.wrapper = str(wrapper)
        self.prefix = f"{root}{os.sep}"

    def inside(self, path: str | None) -> str | None:
        """Return the path in the repository; None when it lies outside."""
        if not path:
            return None
        whole = os.path.normpath(os.path.join(self.wrapper, path))  # noqa: PTH118 - text only, on a hot path
        return whole.removeprefix(self.prefix).replace(os.sep, "/") if whole.startswith(self.prefix) else None


def _resource(value: dict[str, Any], places: _Places) -> Resource:
    """Take the provenance annotations off a manifest."""
    metadata = value.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    origin_text, transformations_text = (annotations.pop(name, None) for name in _ANNOTATIONS)
    if not annotations:
        metadata.pop("annotations", None)
    origin = rendered(origin_text.encode())[0] if origin_text else {}
    # A generated resource has no path of its own, but the kustomization that configured its generator.
    source = origin.get("path") or origin.get("configuredIn")
    transformed: list[str] = []
    for match in _CONFIGURED_IN.finditer(transformations_text or ""):
        inside = places.inside(match[1])
        if inside and inside not in transformed:
            transformed.append(inside)
    return Resource(value, places.inside(source), tuple(transformed))
