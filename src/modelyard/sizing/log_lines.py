"""The text of a log beneath what terminals and collectors put around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelyard.repository.json import MalformedJSON, parsed

MESSAGE_KEYS = ("log", "message", "msg", "textPayload", "@message", "line", "body", "event", "text")
"""Where collectors keep a line: Docker and Fluent Bit, most others, Google Cloud, CloudWatch, Loki, OpenTelemetry."""

LONGEST_LINE = 1_000_000
"""Characters of a line beyond which it is taken as it stands."""

_COLOUR = re.compile(r"(?:\x1b|\^\[|\\x1b|\\u001b|\\033)\[[0-9;]{0,20}m")


def plain_text(log: str) -> str:
    """Return a log's lines without colours, and without the JSON that a collector wrapped each of them in.

    Colours are understood as terminals write them and as files show them, with a caret or as an escape of JSON.
    """
    if "{" not in log:
        return _COLOUR.sub("", log)
    return _COLOUR.sub("", "\n".join(_unwrapped(line) for line in log.splitlines()))


def _unwrapped(line: str) -> str:
    start = line.find("{")
    # A record may have a time stamp or the name of a pod before it, and a line of the engine a mapping in it.
    if start < 0 or len(line) > LONGEST_LINE or not line.rstrip().endswith("}") or '"' not in line[start : start + 3]:
        return line
    try:
        record = parsed(line[start:])
    except MalformedJSON:
        return line
    return _message(record) or line


def _message(record: Any, depth: int = 3) -> str:
    if not isinstance(record, Mapping) or depth == 0:
        return ""
    for key in MESSAGE_KEYS:
        value = record.get(key)
        if isinstance(value, str) and value.strip():
            return value.rstrip("\n")
        if isinstance(value, Mapping) and (inner := _message(value, depth - 1)):
            return inner
    for key in ("jsonPayload", "fields", "attributes", "record"):
        if inner := _message(record.get(key), depth - 1):
            return inner
    return ""
