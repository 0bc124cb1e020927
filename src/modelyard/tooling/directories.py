"""Where Modelyard keeps what it can make again, what it installed, and what it has begun."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache() -> Path:
    """Return the folder of what can be thrown away at any time; it need not exist yet.

    `MODELYARD_CACHE_DIR` overrides the platform's own place.
    """
    return _overridden("MODELYARD_CACHE_DIR") or platformdirs.user_cache_path("modelyard", appauthor=False)


def data() -> Path:
    """Return the folder of installed tools; it need not exist yet.

    `MODELYARD_DATA_DIR` overrides the platform's own place.
    """
    return _overridden("MODELYARD_DATA_DIR") or platformdirs.user_data_path("modelyard", appauthor=False)


def state() -> Path:
    """Return the folder of what must outlast this process, such as edits that are being written; it need not exist yet.

    `MODELYARD_STATE_DIR` overrides the platform's own place.
    """
    return _overridden("MODELYARD_STATE_DIR") or platformdirs.user_state_path("modelyard", appauthor=False)


def _overridden(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser().absolute() if value else None
