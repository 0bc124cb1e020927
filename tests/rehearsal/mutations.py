"""Small changes of a manifest, of the kinds that people make, drawn at random from a seed."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]

WRONG_TYPES: tuple[Any, ...] = ("text", 7, -1, 1.5, True, [], {}, ["a"], {"a": "b"}, None, "")


def mutations(value: dict[str, Any], rng: random.Random, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield `count` manifests that each differ from `value` in one place, with what was changed."""
    places = [path for path in _places(value, ()) if path[0] not in ("apiVersion", "kind") and path != ("metadata",)]
    made = 0
    while made < count:
        path = rng.choice(places)
        changed = copy.deepcopy(value)
        above = _at(changed, path[:-1])
        last = path[-1]
        change = rng.choice(("remove", "rename", "add", "replace", "replace", "repeat", "scale"))
        if change == "rename" and isinstance(above, dict):
            above[_misspelt(str(last), rng)] = above.pop(last)
            told = "misspelt"
        elif change == "remove":
            del above[last]
            told = "removed"
        elif change == "add" and isinstance(above[last], dict):
            above[last]["surplus"] = rng.choice(WRONG_TYPES)
            told = f"surplus field {above[last]['surplus']!r}"
        elif change == "replace":
            new = rng.choice(WRONG_TYPES)
            if new == above[last]:
                continue
            above[last] = new
            told = f"is {new!r}"
        elif change == "repeat" and isinstance(above, list) and isinstance(last, int):
            above.insert(last, copy.deepcopy(above[last]))
            told = "twice"
        elif change == "scale" and isinstance(above[last], int) and not isinstance(above[last], bool):
            above[last] = rng.choice((0, -above[last], above[last] * 1000, 2**31, 2**63))
            told = f"is {above[last]}"
        elif change == "scale" and isinstance(above[last], str) and above[last]:
            above[last] = rng.choice((above[last].upper(), above[last] + " ", above[last] * 40, above[last][:-1]))
            told = f"is {above[last][:40]!r}"
        else:
            continue
        if changed == value:
            continue
        made += 1
        yield f"{_written(path)} {told}", changed


def _places(value: Any, path: Path) -> Iterator[Path]:
    if path:
        yield path
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in below:
        yield from _places(each, (*path, step))


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _misspelt(word: str, rng: random.Random) -> str:
    position = rng.randrange(len(word))
    return word[:position] + rng.choice((word[position] * 2, "", "x")) + word[position + 1 :]


def _written(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
