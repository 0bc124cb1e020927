"""What a model is to achieve: `objectives.yaml` beside its overlay's patch, or flags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from modelyard.findings import At, Place, UserError
from modelyard.planning.speed import Lengths
from modelyard.repository import FileAddress, Files
from modelyard.wording import nearest

FILE = "objectives.yaml"
"""Name of the file in a model's folder; Kustomize does not read it, since no `resources` lists it."""

_DURATION = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)\s?(ms|s)")
_KEYS = ("ttft", "itl", "percentile", "rate", "concurrency", "prompt", "output", "reuse")
_PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """What a model is to achieve.

    Attributes:
        ttft_ms: Longest time to the first token in milliseconds; None for any.
        itl_ms: Longest time between tokens in milliseconds; None for any.
        percentile: Share of the requests that must have it: 50, 90, 95 or 99.
        rate: Requests a second of all replicas together (open load); None where `concurrency` says the load.
        concurrency: Requests at once of all replicas together (closed load); None where `rate` says the load.
        prompt: Tokens of a prompt.
        output: Tokens of an answer.
        reuse: Share of a prompt that the prefix cache has already.
    """

    ttft_ms: float | None = None
    itl_ms: float | None = None
    percentile: int = 50
    rate: float | None = None
    concurrency: float | None = None
    prompt: int
    output: int
    reuse: float = 0.0

    @property
    def lengths(self) -> Lengths:
        """Return the lengths of its requests."""
        return Lengths(self.prompt, self.output, self.reuse)

    @property
    def load(self) -> str:
        """Return the load in words."""
        if self.rate is not None:
            return f"{self.rate:g} requests/s"
        return f"{self.concurrency:g} requests at once"

    def at(self, rate: float) -> Objectives:
        """Return the same objectives at another rate."""
        return replace(self, rate=rate, concurrency=None)

    def to_mapping(self) -> dict[str, Any]:
        """Return the content of the file."""
        found: dict[str, Any] = {}
        if self.ttft_ms is not None:
            found["ttft"] = written(self.ttft_ms)
        if self.itl_ms is not None:
            found["itl"] = written(self.itl_ms)
        found["percentile"] = self.percentile
        for name in ("rate", "concurrency", "prompt", "output"):
            if (value := getattr(self, name)) is not None:
                found[name] = value
        return found | ({"reuse": self.reuse} if self.reuse else {})


def written(ms: float) -> str:
    """Return a time as the file and the flags take it, such as `45ms` or `1.2s`."""
    return f"{ms / 1e3:g}s" if ms >= 1000 else f"{ms:g}ms"


def milliseconds(name: str, value: Any) -> float:
    """Return a time in milliseconds.

    Raises:
        ValueError: It is none; the message says what was expected.
    """
    found = _DURATION.fullmatch(str(value).strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{name} is {value!r}, expected a time such as 45ms or 1.2s")
    ms = float(found[1]) * (1.0 if found[2] == "ms" else 1e3)
    if not 0 < ms <= 3_600_000:
        raise ValueError(f"{name} is {value}, expected more than 0 and at most an hour")
    return ms


def objectives_from(told: Mapping[str, Any]) -> Objectives:
    """Return the objectives that a mapping says.

    Raises:
        ValueError: Something is missing, unknown or out of bounds; the message begins with the key.
    """
    for key in told:
        if key not in _KEYS:
            near = nearest(str(key).lower(), _KEYS)
            told_of = f"did you mean {near}?" if near else f"known are {', '.join(_KEYS)}"
            raise ValueError(f"{key} is unknown; {told_of}")
    ttft = milliseconds("ttft", told["ttft"]) if told.get("ttft") is not None else None
    itl = milliseconds("itl", told["itl"]) if told.get("itl") is not None else None
    if ttft is None and itl is None:
        raise ValueError("ttft and itl are both missing; name at least one")
    rate = _number("rate", told.get("rate"), 0, 1_000_000, above=True)
    concurrency = _number("concurrency", told.get("concurrency"), 1, 1_000_000)
    if (rate is None) == (concurrency is None):
        raise ValueError("rate and concurrency: name one of the two")
    prompt, output = (_number(name, told.get(name), 1, 10_000_000) for name in ("prompt", "output"))
    if prompt is None or output is None:
        raise ValueError(f"{'output' if prompt else 'prompt'} is missing, the tokens of a request")
    percentile = told.get("percentile", 50)
    if percentile not in _PERCENTILES or isinstance(percentile, bool):
        raise ValueError(f"percentile is {percentile!r}, expected one of {', '.join(map(str, _PERCENTILES))}")
    reuse = _number("reuse", told.get("reuse"), 0, 1) or 0.0
    return Objectives(
        ttft_ms=ttft,
        itl_ms=itl,
        percentile=int(percentile),
        rate=rate,
        concurrency=concurrency,
        prompt=int(prompt),
        output=int(output),
        reuse=reuse,
    )


def _number(name: str, value: Any, least: int, most: int, *, above: bool = False) -> float | None:
    """Return a number within bounds; None where there is none. `above` leaves the lower bound out."""
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not least <= value <= most
        or (above and value == least)
    ):
        said = f"{value:g}" if isinstance(value, float) else repr(value)
        bounds = f"above {least} and up to {most:,}" if above else f"from {least} to {most:,}"
        raise ValueError(f"{name} is {said}, expected a number {bounds}")
    return value


def objectives_of(files: Files, folder: str) -> tuple[Objectives, str] | None:
    """Return the objectives that lie in a model's folder, and their file; None where there are none.

    Args:
        files: The repository's files.
        folder: The model's folder, such as `environments/prod/models/chat`.

    Raises:
        UserError: The file does not say objectives.
    """
    path = f"{folder}/{FILE}"
    if not files.is_file(path):
        return None
    documents = files.documents(path)
    told = documents[0] if len(documents) == 1 else None
    if not isinstance(told, dict):
        raise UserError(
            f"{path} holds no mapping", fix="write it with modelyard plan MODEL --apply N", at=At(Place(path))
        )
    try:
        return objectives_from(told), path
    except ValueError as problem:
        key = str(problem).partition(" ")[0]
        at = FileAddress(files, path, (key,)) if key in told else At(Place(path))
        raise UserError(f"{path}: {problem}", fix="correct it; see `modelyard plan --help`", at=at) from None
