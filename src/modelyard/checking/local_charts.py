"""Charts in folders of the repository: packed, so that they render as those of publishers do."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from modelyard.checking.chart_jobs import ChartJob, NotRenderable, given_values, value_file
from modelyard.checking.revisions import Revisions
from modelyard.checking.views import ChartFolder
from modelyard.findings import UserError
from modelyard.repository import Files, Repository, joined
from modelyard.repository.helmignore import RefusedPattern, files_of_chart
from modelyard.repository.layout import CHART
from modelyard.tooling import cache, write_whole
from modelyard.view import Manifest, entries, mapping, text
from modelyard.view.shapes import listed

_MOST_FILES = 2_000
_SEGMENT = re.compile(r"(?<!\\)\.")


def local_chart_job(manifest: Manifest, folder: ChartFolder, revisions: Revisions) -> ChartJob:
    """Return what is rendered for a source of an Application that is a folder with a chart.

    Args:
        manifest: The Application.
        folder: The folder.
        revisions: The repository at the revisions that value files are read at.

    Raises:
        NotRenderable: What it depends on, or a file of values, is not in the repository, or it cannot be read.
    """
    source, repository = folder.source, folder.repository
    helm = mapping(source.value, "helm")
    if helm.get("fileParameters"):
        raise NotRenderable("helm fileParameters are not read here")
    try:
        _require_dependencies(repository.files, source.folder)
        archive = _packed(repository.files, source.folder)
        values = {**given_values(helm)}
        for each in entries(helm, "parameters"):
            _set(values, text(each, "name"), each.get("value"), is_text=each.get("forceString") is True)
    except RefusedPattern as refused:
        raise NotRenderable(str(refused)) from None
    except UserError as unreadable:
        raise NotRenderable(unreadable.message) from None
    files = []
    for entry in listed(helm, "valueFiles"):
        try:
            files.append(_value_file(manifest, repository, source.folder, str(entry), revisions))
        except NotRenderable:
            if not helm.get("ignoreMissingValueFiles"):
                raise
    namespace = str(manifest.get("spec.destination.namespace", "") or "default")
    return ChartJob(manifest, source, archive, namespace, tuple(files), values, folder=source.folder)


def _value_file(
    manifest: Manifest, repository: Repository, folder: str, entry: str, revisions: Revisions
) -> tuple[Repository, str]:
    """Return a file of values: from the chart's folder, from the top where a slash leads, or of a named source."""
    if entry.startswith("$"):
        return value_file(manifest, entry, revisions)
    path = entry.lstrip("/") if entry.startswith("/") else joined(folder, entry)
    if path is None or not repository.files.is_file(path):
        raise NotRenderable(f"its values {entry} are not in this repository")
    return repository, path


def _require_dependencies(files: Files, folder: str) -> None:
    content = files.documents(f"{folder}/{CHART}")
    chart = content[0] if content and isinstance(content[0], dict) else {}
    here = files.under(f"{folder}/charts")
    for each in entries(chart, "dependencies"):
        name, source = text(each, "name"), text(each, "repository")
        if not any(entry == name or entry.startswith(f"{name}-") for entry in here):
            where = f" of {source}" if source else ""
            raise NotRenderable(f"it depends on chart {name}{where}, which is not in its folder charts/")


def _packed(files: Files, folder: str) -> Path:
    """Return an archive of a chart's folder in the cache, one for each content."""
    digest = hashlib.sha256()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        for number, path in enumerate(files_of_chart(files, folder)):
            if number >= _MOST_FILES:
                raise NotRenderable(f"it holds more than {_MOST_FILES:,} files")
            content = files.read(path)
            name = f"chart/{path[len(folder) + 1 :]}"
            digest.update(orjson.dumps([name, hashlib.sha256(content).hexdigest()]))
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    kept = cache() / "folders" / digest.hexdigest() / "content.tgz"
    if not kept.is_file():
        write_whole(kept, stream.getvalue())
    return kept


def _set(values: dict[str, Any], name: str, value: object, *, is_text: bool) -> None:
    """Set a parameter, as `helm --set` does for names without lists.

    Raises:
        NotRenderable: The name goes into a list.
    """
    if not name or "[" in name or "{" in name:
        raise NotRenderable(f"helm parameter {name} goes into a list, which is not read here")
    *above, last = [each.replace("\\.", ".") for each in _SEGMENT.split(name)]
    inner: dict[str, Any] = values
    for step in above:
        known = inner.get(step)
        inner[step] = dict(known) if isinstance(known, Mapping) else {}
        inner = inner[step]
    inner[last] = str(value) if is_text else _scalar(value)


def _scalar(value: object) -> object:
    """Return a parameter as Helm reads it: booleans, null and whole numbers are no text."""
    if value in ("true", "false"):
        return value == "true"
    if value == "null":
        return None
    return int(value) if isinstance(value, str) and re.fullmatch(r"0|-?[1-9]\d{0,17}", value) else value
