"""TOML of other people, within limits."""

from __future__ import annotations

import tomllib
from typing import Any

from modelyard.findings import UserError

MAX_BYTES = 1024 * 1024
"""User data and tool lists have some kilobytes; the parser reads about a megabyte a second."""


class MalformedTOML(UserError):
    """A text is not the TOML that it should be, or is more than is read."""


def parsed(text: str) -> dict[str, Any]:
    """Return the table of a TOML text.

    Raises:
        MalformedTOML: The text is not TOML, is too long, or nests too deeply.
    """
    if len(text) > MAX_BYTES:
        raise MalformedTOML(f"it has more than the {MAX_BYTES:,} characters that are read")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise MalformedTOML("it is nested too deeply") from None
    except ValueError as fault:
        raise MalformedTOML(str(fault)) from None
