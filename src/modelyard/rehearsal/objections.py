"""What an API server says when it refuses an object, as places in the object with the server's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.rehearsal.api import Answer
from modelyard.rendering import Path

_LINE = re.compile(r"^\s*(\.[^\s:]*(?:\"[^\"]*\"[^\s:]*)*): (.+)$")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]|\.")
_GO_FIELD = re.compile(r"cannot unmarshal (\w+) into Go struct field (\w+)\.([\w.]+) of type (\S+)")
_UNKNOWN_FIELD = re.compile(r'unknown field "([^"]+)"')
_SUBJECT = re.compile(r'^\S+ "[^"]*" is (invalid|forbidden): ')
_CONVERSION = re.compile(r"^failed to create (?:typed patch object|manager for existing fields)[^)]*\)?:? ?")


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason why the API server refuses an object.

    Attributes:
        path: Where in the object; empty for the object itself.
        message: The server's words.
    """

    path: Path
    message: str


def objections(answer: Answer, value: dict[str, Any]) -> list[Objection]:
    """Return the reasons that an answer gives, at least one.

    Args:
        answer: A refusal.
        value: The object that was sent, against which the server's notation of places is read.
    """
    details = answer.value.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    found = [
        Objection(located(str(cause.get("field") or ""), value), str(cause.get("message") or answer.message))
        for cause in causes or ()
        if isinstance(cause, dict)
    ]
    found = found or list(_from_text(answer.message, value))
    return list(dict.fromkeys(found)) or [Objection((), _SUBJECT.sub("", answer.message))]


def located(text: str, value: Any) -> Path:
    """Return the path that the server's notation of a place means in an object.

    Keys of mappings stand bare or in brackets, list items by position or, as in `containers[name="vllm"]`, by what
    identifies them.
    """
    path: list[str | int] = []
    rest = "" if text in ("<nil>", "") else text.removeprefix(".")
    while rest:
        step, rest = _next(rest, value)
        if step is None:
            break
        path.append(step)
        value = _below(value, step)
    return tuple(path)


def _next(rest: str, value: Any) -> tuple[str | int | None, str]:
    if isinstance(value, dict):
        bare = rest.removeprefix(".")
        for key in sorted(value, key=lambda each: -len(str(each))):
            # A key such as `nvidia.com/gpu` holds what separates steps.
            for form in (str(key), f"[{key}]", f'["{key}"]'):
                if bare.startswith(form) and bare[len(form) :][:1] in ("", ".", "["):
                    return str(key), bare[len(form) :]
    match = _STEP.match(rest)
    if match is None:
        return None, ""
    after = rest[match.end() :]
    if match[1] is not None:
        return match[1], after
    if match[2] is None:
        return None, ""
    inner = match[2]
    if isinstance(value, list):
        return (int(inner) if inner.isdigit() else _position(inner, value)), after
    return inner.strip('"'), after


def _position(selector: str, items: list[Any]) -> int | None:
    """Return which list item `name="vllm"`, `containerPort=8000,protocol="TCP"` or `="value"` selects."""
    if selector.startswith("="):
        wanted = selector[1:].strip('"')
        return next((index for index, item in enumerate(items) if str(item) == wanted), None)
    pairs = [pair.partition("=") for pair in selector.split(",")]
    for index, item in enumerate(items):
        if isinstance(item, dict) and all(
            str(item.get(key, text.strip('"'))) == text.strip('"') for key, _, text in pairs
        ):
            return index
    return None


def _below(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _from_text(message: str, value: dict[str, Any]) -> Iterator[Objection]:
    """Read the reasons out of the prose in which decoding and conversion are refused."""
    text = _CONVERSION.sub("", _SUBJECT.sub("", message))
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None:
            yield Objection(located(match[1], value), match[2])
    for field in _UNKNOWN_FIELD.findall(message):
        yield Objection(located(field, value), f'unknown field "{field}"')
    for got, owner, field, wanted in _GO_FIELD.findall(message):
        place = f"metadata.{field}" if owner == "ObjectMeta" else field
        yield Objection(located(place, value), f"cannot read {got} as {wanted}")
