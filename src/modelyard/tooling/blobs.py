"""Contents kept under keys in a folder that processes share: whole or absent, never believed when damaged."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from pathlib import Path

_DIGEST_BYTES = 32
_TOUCH_EVERY_SECONDS = 24 * 3600
_PRUNE_EVERY_SECONDS = 24 * 3600


class Blobs:
    """A folder of contents by key; safe to share between processes, and to throw away.

    Each content begins with a digest of its key and itself: one that was cut, damaged or moved counts as absent. A
    folder that cannot be written keeps nothing, which is not an error.

    Attributes:
        folder: Where they lie.
        most: Bytes that `prune` leaves.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self.most = most

    def path(self, key: str) -> Path:
        """Return the file of a key, a digest in hexadecimal."""
        return self.folder / key[:2] / f"{key[2:]}.json"

    def get(self, key: str) -> memoryview | None:
        """Return a content; None where there is none that is whole."""
        path = self.path(key)
        try:
            raw = path.read_bytes()
            body = memoryview(raw)[_DIGEST_BYTES:]
            if raw[:_DIGEST_BYTES] != _digest(key, body):
                return None
            if abs(time.time() - path.stat().st_mtime) > _TOUCH_EVERY_SECONDS:
                path.touch()  # the oldest by use go first
        except OSError:
            return None
        return body

    def put(self, key: str, body: bytes) -> None:
        """Keep a content in place of an earlier one."""
        path = self.path(key)
        temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(_digest(key, body) + body)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):  # a folder of the way may be a file
                temporary.unlink(missing_ok=True)

    def prune(self, now: float | None = None) -> None:
        """Remove the oldest contents past the size limit, at most once a day."""
        now = time.time() if now is None else now
        stamp = self.folder / "pruned"
        try:
            # A clock that went back would leave a stamp of the future, which must not keep this away for ever.
            if stamp.exists() and abs(now - stamp.stat().st_mtime) < _PRUNE_EVERY_SECONDS:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            stamp.touch()
            entries = [(path.stat(), path) for path in self.folder.glob("*/*.json")]
            excess = sum(stat.st_size for stat, _ in entries) - self.most
            for stat, path in sorted(entries, key=lambda entry: entry[0].st_mtime):
                if excess <= 0:
                    return
                path.unlink(missing_ok=True)
                excess -= stat.st_size
        except OSError:
            return


def _digest(key: str, body: bytes | memoryview) -> bytes:
    total = hashlib.sha256(key.encode())
    total.update(body)
    return total.digest()
