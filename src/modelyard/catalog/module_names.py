"""The names by which lists of a `quantization_config` mean matrices."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from typing import Any

from modelyard.catalog.weight_parts import Matrix
from modelyard.linear import linear

PREFIXES = ("model.language_model.", "language_model.model.", "language_model.", "model.", "backbone.", "")
_FUSED = (
    (re.compile(r"\.(?:q|k|v)_proj$"), ".qkv_proj"),
    (re.compile(r"\.(?:gate|up)_proj$"), ".gate_up_proj"),
    (re.compile(r"\.in_proj_(?:qkv|z)$"), ".in_proj_qkvz"),
    (re.compile(r"\.in_proj_(?:a|b)$"), ".in_proj_ba"),
    (re.compile(r"\.(?:q_a_proj|kv_a_proj_with_mqa)$"), ".fused_qkv_a_proj"),
    (re.compile(r"\.experts\.\d+\.\w+$"), ".experts"),
)


def names_of(matrix: Matrix) -> tuple[str, ...]:
    """Return how lists may call a matrix, without what stands before `layers`."""
    fused = [pattern.sub(other, matrix.name) for pattern, other in _FUSED if pattern.search(matrix.name)]
    return (matrix.name, *fused)


def plain_name(entry: str) -> str:
    """Return an entry of a list without what stands before `layers`."""
    for prefix in PREFIXES:
        if entry.startswith(prefix):
            return entry.removeprefix(prefix)
    return entry


def beginning(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a text begins with what a pattern of a config says, as `re.match` does.

    Raises:
        UnreadablePattern: It is no pattern, or one with a look ahead, a look behind or a reference.
    """
    return linear(pattern, goes_on=True).fullmatch


class Names:
    """A list of names, globs and regular expressions that matrices are looked up in.

    Raises:
        UnreadablePattern: A regular expression cannot be followed.
    """

    def __init__(self, entries: Any, *, anywhere: bool = False) -> None:
        listed = [str(entry) for entry in entries] if isinstance(entries, list | tuple | set | Mapping) else []
        self.anywhere = anywhere
        self.exact: set[str] = set()
        self.patterns: list[Callable[[str], object]] = []
        for entry in listed:
            if entry.startswith("re:"):
                self.patterns.append(beginning(entry[3:]))
            elif "*" in entry:
                self.patterns.append(re.compile(translate(entry)).match)
            else:
                self.exact.add(plain_name(entry))

    def __bool__(self) -> bool:
        return bool(self.exact or self.patterns)

    def __contains__(self, matrix: Matrix) -> bool:
        return any(self._holds(name) for name in names_of(matrix))

    def _holds(self, name: str) -> bool:
        if self.anywhere and any(entry in name for entry in self.exact):
            return True
        words = name.split(".")
        # An entry names a module and all that is in it: a run of whole words.
        runs = {".".join(words[start:end]) for start in range(len(words)) for end in range(start + 1, len(words) + 1)}
        if self.exact & runs:
            return True
        return any(matches(prefix + name) for matches in self.patterns for prefix in PREFIXES)
