"""What differs between two values, field by field, without what makes no difference to a cluster."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from modelyard.diffing.model import ABSENT, FieldChange
from modelyard.findings import source_without_secrets
from modelyard.rendering import written
from modelyard.view import quantity

# What tells items of a list apart, the most telling first; the API server merges by the same.
_KEYS = ("name", "mountPath", "devicePath", "containerPort", "port", "topologyKey", "ip", "uid")
# Lists in which the order says nothing.
_SETS = frozenset(
    {
        "accessModes",
        "add",
        "clusterResourceWhitelist",
        "drop",
        "finalizers",
        "imagePullSecrets",
        "mountOptions",
        "namespaceResourceWhitelist",
        "policyTypes",
        "requirements",
        "resources",
        "sourceRepos",
        "syncOptions",
        "tolerations",
        "values",
        "verbs",
    }
)
# Mappings of quantities, in which `1` and `1000m` are the same.
_QUANTITIES = frozenset({"requests", "limits", "capacity", "hard", "default", "defaultRequest", "max", "min"})
_WORDS = frozenset({"args", "command"})

_MOST_LINES_COMPARED = 4000
_MOST_LINES_SHOWN = 60


def differences(before: Any, after: Any) -> Iterator[FieldChange]:
    """Yield what differs between two manifests, or two parts of them."""
    yield from _compared(before, after, "", "")


def equal(before: Any, after: Any) -> bool:
    """Return whether two values are the same to an API server: quantities by what they mean, order kept."""
    return bool(_normal(before, "") == _normal(after, ""))


def _normal(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        if key in _QUANTITIES:
            return {name: _amount(item) for name, item in value.items()}
        # The API server does not tell an absent field from null.
        return {name: _normal(item, name) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_normal(item, "") for item in value]
    if key == "sizeLimit":
        return _amount(value)
    return value


def _amount(value: Any) -> Any:
    number = quantity(value)
    return value if number is None else number


def _compared(before: Any, after: Any, path: str, key: str) -> Iterator[FieldChange]:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            below = f"{path}.{name}" if path and _is_plain(name) else _below(path, name)
            if key in _QUANTITIES and _amount(before.get(name)) == _amount(after.get(name)):
                continue
            yield from _compared(before.get(name, ABSENT), after.get(name, ABSENT), below, name)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path, key)
    elif isinstance(before, str) and isinstance(after, str) and ("\n" in before or "\n" in after):
        yield _texts(path, before, after)
    elif before in (ABSENT, None) and after in (ABSENT, None):
        return
    elif key != "sizeLimit" or _amount(before) != _amount(after):
        yield FieldChange(path, before, after)


def _texts(path: str, before: str, after: str) -> FieldChange:
    """Return what differs between texts of several lines; secrets go first, for one line may not say what it is."""
    old, new = source_without_secrets(before), source_without_secrets(after)
    return FieldChange(path, lines=tuple(changed_lines(old, new)) if old != new else ("@ only what is secret differs",))


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and "." not in name and "/" not in name


def _below(path: str, name: object) -> str:
    step = written((str(name),))
    return f"{path}{step}" if step.startswith("[") or not path else f"{path}.{step}"


def _lists(before: list[Any], after: list[Any], path: str, key: str) -> Iterator[FieldChange]:
    if key in _WORDS and all(isinstance(word, str) for word in (*before, *after)):
        yield from _words(before, after, path)
        return
    identity = _identity(before, after)
    if identity:
        first = {str(item[identity]): item for item in before}
        second = {str(item[identity]): item for item in after}
        found = False
        for name in dict.fromkeys([*first, *second]):
            for change in _compared(first.get(name, ABSENT), second.get(name, ABSENT), f"{path}[{name}]", ""):
                found = True
                yield change
        if not found and list(first) != list(second):
            yield FieldChange(path, "order", "another order of the same items")
        return
    yield from _items(before, after, path, ordered=key not in _SETS)


def _identity(before: list[Any], after: list[Any]) -> str:
    """Return the key whose value no two items of either list share; empty when there is none."""
    items = [*before, *after]
    if not items or not all(isinstance(item, Mapping) for item in items):
        return ""
    for key in _KEYS:
        if all(isinstance(item.get(key), str | int) for item in items) and all(
            len({str(item[key]) for item in side}) == len(side) for side in (before, after)
        ):
            return key
    return ""


def _items(before: list[Any], after: list[Any], path: str, *, ordered: bool) -> Iterator[FieldChange]:
    if ordered and len(before) == len(after):
        for index, (first, second) in enumerate(zip(before, after, strict=True)):
            yield from _compared(first, second, f"{path}[{index}]", "")
        return
    left, right = [repr(_normal(item, "")) for item in before], [repr(_normal(item, "")) for item in after]
    surplus, missing = Counter(left), Counter(right)
    common = surplus & missing
    gone, come = surplus - common, missing - common
    for texts, items, rest, removed in ((left, before, gone, True), (right, after, come, False)):
        for text, item in zip(texts, items, strict=True):
            if rest[text] > 0:
                rest[text] -= 1
                yield FieldChange(f"{path}[]", item if removed else ABSENT, ABSENT if removed else item)
    if ordered and left != right and sorted(left) == sorted(right):
        yield FieldChange(path, "order", "another order of the same items")


def _words(before: Sequence[str], after: Sequence[str], path: str) -> Iterator[FieldChange]:
    """Yield what differs between two command lines, flag by flag."""
    first, second = flags(before), flags(after)
    found = False
    for name in dict.fromkeys([*first, *second]):
        old, new = first.get(name, ABSENT), second.get(name, ABSENT)
        if old != new:
            found = True
            yield FieldChange(f"{path}[{name}]", _told(old), _told(new))
    if not found:
        yield FieldChange(path, " ".join(before), " ".join(after))


def flags(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the values of each flag of a command line, in order; words without a flag are under an empty name."""
    found: dict[str, tuple[str, ...]] = {}
    position = 0
    while position < len(words):
        word = words[position]
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            name, value = "", word
        elif not equals and position + 1 < len(words) and not words[position + 1].startswith("-"):
            position += 1
            value = words[position]
        found[name] = (*found.get(name, ()), value)
        position += 1
    return found


def _told(values: Any) -> Any:
    if values is ABSENT:
        return ABSENT
    return " ".join(values) if any(values) else "set"


def changed_lines(before: str, after: str) -> Iterator[str]:
    """Yield the lines that differ with `-` or `+` before them, and `@` where lines are left out.

    Texts of many thousand lines are told by counts after their first lines, since finding the shortest difference
    takes a time that grows with the square of their length.
    """
    old, new = before.splitlines(), after.splitlines()
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if not old and not new:
        yield "@ only the end of the text differs (line ends)"
        return
    if len(old) + len(new) > _MOST_LINES_COMPARED:
        common = Counter(old) & Counter(new)
        lines = [f"- {line}" for line in _surplus(old, common)] + [f"+ {line}" for line in _surplus(new, common)]
    else:
        lines = [
            f"{line[0]} {line[1:]}"
            for line in islice(difflib.unified_diff(old, new, lineterm="", n=0), 2, None)
            if not line.startswith("@@")
        ]
    if not lines:
        yield "@ the same lines in another order"
    if len(lines) <= _MOST_LINES_SHOWN:
        yield from lines
        return
    removed = sum(line.startswith("-") for line in lines)
    half = _MOST_LINES_SHOWN // 2
    yield from [line for line in lines if line.startswith("-")][:half]
    yield from [line for line in lines if line.startswith("+")][:half]
    yield f"@ in all {removed:,} lines removed and {len(lines) - removed:,} added"


def _surplus(lines: list[str], common: Counter[str]) -> Iterator[str]:
    left = Counter(common)
    for line in lines:
        if left[line] > 0:
            left[line] -= 1
        else:
            yield line
