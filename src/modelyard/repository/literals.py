"""Literals of Python that other programs print, within limits."""

from __future__ import annotations

import ast
from typing import Any

MAX_CHARACTERS = 32 * 1024
"""The arguments of an engine have some hundreds; Python's own parser can end the process on longer nonsense."""


def literal(text: str) -> Any:
    """Return the value of a literal, such as a dictionary of numbers and texts.

    Raises:
        ValueError: The text is no literal, is too long, or nests too deeply.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"more than {MAX_CHARACTERS:,} characters")
    try:
        return ast.literal_eval(text)
    except (SyntaxError, TypeError, RecursionError, MemoryError, OverflowError) as fault:
        raise ValueError(str(fault)) from None
