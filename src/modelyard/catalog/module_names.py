"""The names by which lists of a `quantization_config` mean matrices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
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


_SPELLINGS = (
    ((".mlp.", ".block_sparse_moe."), (".gate_proj", ".w1"), (".up_proj", ".w3"), (".down_proj", ".w2")),
    ((".mlp.", ".feed_forward."),),
    ((".mlp.", ".ffn."), (".self_attn.", ".attn."), (".gate_proj", ".w1"), (".up_proj", ".w3"), (".down_proj", ".w2")),
    ((".mlp.", ".block_sparse_moe."),),
    ((".mlp.", ".moe."),),
)
"""How families call modules that most call as the matrices here: Mixtral and MiniMax, Llama 4, DeepSeek V4, others."""


def names_of(matrix: Matrix) -> tuple[str, ...]:
    """Return how lists may call a matrix, without what stands before `layers`."""
    name = matrix.name
    fused = [pattern.sub(other, name) for pattern, other in _FUSED if pattern.search(name)]
    other_names = []
    for spelling in _SPELLINGS:
        called = name
        for usual, other in spelling:
            called = called.replace(usual, other) if usual.endswith(".") else _ended(called, usual, other)
        other_names.append(called)
    return tuple(dict.fromkeys((name, *fused, *other_names)))


def _ended(name: str, usual: str, other: str) -> str:
    return name.removesuffix(usual) + other if name.endswith(usual) else name


def unknown_among(listed: Iterable[str], matrices: Iterable[Matrix]) -> tuple[str, ...]:
    """Return the modules of a list (`listed_name`) that mean none of some matrices."""
    known: set[str] = set()
    for matrix in matrices:
        for name in names_of(matrix):
            words = name.split(".")
            known.update(".".join(words[:end]) for end in range(1, len(words) + 1))
    return tuple(name for name in listed if name not in known)


def listed_name(entry: str) -> str:
    """Return a module of a list as matrices are called: without a prefix, any expert as the first of its layer."""
    return _EXPERT.sub(".experts.0", plain_name(entry))


_EXPERT = re.compile(r"\.experts\.\d+")


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
