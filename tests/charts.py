"""Small charts, packed as a chart repository offers them, and put where the check looks for them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping

from modelyard.repository.locks import cache_path


def archive(name: str, version: str, *, files: Mapping[str, str] | None = None, chart: str | None = None) -> bytes:
    """Return a chart's archive, the same bytes every time."""
    content = {"Chart.yaml": chart or f"apiVersion: v2\nname: {name}\nversion: {version}\n", **(files or {})}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as made:
        for path, text in content.items():
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(text.encode())
            made.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(raw.getvalue(), mtime=0)


def sha256(content: bytes) -> str:
    """Return a digest as locks have it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def cached(packed: bytes) -> str:
    """Put an archive into the cache, and return its digest."""
    digest = sha256(packed)
    path = cache_path(digest, ".tgz")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed)
    return digest
