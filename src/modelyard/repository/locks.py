"""`charts.lock`: which charts and definitions were fetched, by digest, and where the cache keeps them.

Only `modelyard fetch` writes the lock and fills the cache; everything else reads them, without a network.
"""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.findings import At, Place, UserError
from modelyard.repository.files import Files
from modelyard.tooling import cache
from modelyard.tooling.confinement import confined

FILE = "charts.lock"
VERSION = 1

_CHART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class LockedChart:
    """A chart at one version.

    Attributes:
        name: The chart's name.
        version: Its exact version.
        repository: `https://` address of a chart repository, or an OCI registry and path without a scheme.
        digest: `sha256:` and the digest of the chart's archive.
    """

    name: str
    version: str
    repository: str
    digest: str


@dataclass(frozen=True, slots=True, order=True)
class LockedDefinitions:
    """A file with CustomResourceDefinitions.

    Attributes:
        url: Where it was fetched.
        digest: `sha256:` and the digest of the file.
    """

    url: str
    digest: str


@dataclass(frozen=True, slots=True)
class Lock:
    """The content of `charts.lock`."""

    charts: tuple[LockedChart, ...] = ()
    definitions: tuple[LockedDefinitions, ...] = ()

    def chart(self, name: str, version: str, repository: str) -> LockedChart | None:
        """Return the entry of a chart; None when it was never fetched."""
        wanted = (name, version, plain_registry(repository))
        return next((each for each in self.charts if (each.name, each.version, each.repository) == wanted), None)

    def definitions_at(self, url: str) -> LockedDefinitions | None:
        """Return the entry of a file with definitions; None when it was never fetched."""
        return next((each for each in self.definitions if each.url == url), None)


def plain_registry(repository: str) -> str:
    """Return a chart repository's address in the one form that the lock uses."""
    return repository.removeprefix("oci://").rstrip("/")


def read_lock(files: Files) -> Lock:
    """Return the lock of a repository; an empty one when there is no file.

    Raises:
        UserError: The file is not what `modelyard fetch` writes.
    """
    if not files.is_file(FILE):
        return Lock()
    content = files.documents(FILE)
    try:
        if len(content) != 1 or content[0]["version"] != VERSION:
            raise ValueError
        return Lock(
            tuple(sorted(_entry(LockedChart, each) for each in content[0].get("charts") or ())),
            tuple(sorted(_entry(LockedDefinitions, each) for each in content[0].get("definitions") or ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(
            f"{FILE} is not a lock that this version of modelyard writes",
            fix=f"restore it from Git, or remove it, run `modelyard fetch` and review the new {FILE}",
            at=At(Place(FILE)),
        ) from None


def cached_chart(lock: Lock, name: str, version: str, repository: str) -> Path | None:
    """Return the archive of a locked chart; None when it is not locked or not in the cache."""
    entry = lock.chart(name, version, repository)
    return cached(entry.digest, ".tgz") if entry is not None else None


def local_chart(name: str, version: str) -> Path | None:
    """Return the archive of a chart that `scripts/pack_charts.py` packed on this machine; None when there is none."""
    folder = local_folder(name, version.removeprefix("v"))
    named = folder if folder is not None and folder.is_dir() else local_folder(name, version)
    return next(iter(sorted(named.glob("*/content.tgz"))), None) if named is not None else None


def local_folder(name: str, version: str) -> Path | None:
    """Return where a chart that was packed on this machine lies; None for what is not the name of a chart."""
    if not _CHART.fullmatch(name) or not _CHART.fullmatch(version):
        return None
    return confined(cache() / "local", f"{name}-{version}")


def cached_definitions(lock: Lock, url: str) -> Path | None:
    """Return the file with the definitions of a locked URL; None when it is not locked or not in the cache."""
    entry = lock.definitions_at(url)
    return cached(entry.digest, ".yaml") if entry is not None else None


def cached(digest: str, suffix: str) -> Path | None:
    """Return the cache's file of this digest, its content held against the digest; None when there is none."""
    path = cache_path(digest, suffix)
    try:
        state = path.stat()
    except OSError:
        return None
    return path if _digest_of(path, state.st_mtime_ns, state.st_size) == digest else None


def cache_path(digest: str, suffix: str) -> Path:
    """Return where the cache keeps the content of a digest."""
    return cache() / "fetched" / digest.replace(":", "-", 1) / f"content{suffix}"


def is_url(entry: str) -> bool:
    """Return whether an entry of `crds` in `modelyard.yaml` is to be fetched, not a path."""
    return entry.startswith(("https://", "http://"))


@functools.lru_cache(maxsize=1024)
def _digest_of(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def _entry(kind: type[Any], fields: dict[str, Any]) -> Any:
    entry = kind(**fields)
    if not all(isinstance(value, str) and value for value in fields.values()) or not _DIGEST.fullmatch(entry.digest):
        raise ValueError
    return entry
