"""JSON of other people, within limits; what the program wrote itself is read without them."""

from __future__ import annotations

import itertools
import re
from typing import Any

import orjson

from modelyard.findings import At, Place, UserError
from modelyard.repository.limits import MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_STEPS = {**dict.fromkeys(b"[{", 1), **dict.fromkeys(b"]}", -1)}


class MalformedJSON(UserError, ValueError):
    """A text is not the JSON that it should be, or is more than is read."""


def parsed(text: str | bytes, name: str = "the text", *, most: int = MAX_FILE_BYTES, values: int = MAX_NODES) -> Any:
    """Return the value of a JSON text.

    Args:
        text: The content.
        name: What it is, for messages; a file's name where it is one.
        most: Bytes that are read at most.
        values: Values that are read at most.

    Raises:
        MalformedJSON: The text is not JSON, is too long, nests too deeply, or holds too many values.
    """
    try:
        content = text if isinstance(text, bytes) else text.encode()
    except UnicodeEncodeError:
        raise MalformedJSON(f"{name} is not JSON: it is not text", at=At(Place(name))) from None
    if len(content) > most:
        raise MalformedJSON(f"{name} has more than the {most:,} bytes that are read", at=At(Place(name)))
    opened = content.count(b"[") + content.count(b"{")
    # A value stands behind a comma, a colon or an opening; commas and colons inside strings only make this too strict.
    if len(content) > values and opened + content.count(b",") + content.count(b":") > 2 * values:
        raise MalformedJSON(f"{name} holds more than {values:,} values", at=At(Place(name)))
    try:
        value = orjson.loads(content)  # it refuses more than some thousand levels by itself
    except orjson.JSONDecodeError as fault:
        place = Place(name, fault.lineno, fault.colno)
        raise MalformedJSON(f"{name} is not JSON: {fault.msg}", at=At(place)) from None
    if opened > MAX_DEPTH and _depth(content) > MAX_DEPTH:
        raise MalformedJSON(f"{name} is nested more than {MAX_DEPTH} levels deep", at=At(Place(name)))
    return value


def _depth(content: bytes) -> int:
    """Return how deep a JSON text nests; of what is no JSON, strings may never end."""
    brackets = _STRING.sub(b"", content).translate(None, _OTHERS)
    return max(itertools.accumulate(_STEPS[each] for each in brackets), default=0)


_OTHERS = bytes(each for each in range(256) if each not in _STEPS)
