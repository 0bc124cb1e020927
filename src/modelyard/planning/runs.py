"""Load tests that a repository keeps: `measurements/<model>.load.yaml`, beside its start-up logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from io import StringIO
from typing import Any

from modelyard import catalog
from modelyard.findings import At, Place, UserError
from modelyard.planning.floor import floor, least_busy, waited_for_a_place
from modelyard.planning.ranges import tail
from modelyard.planning.reports import LoadResult
from modelyard.planning.speed import Lengths, Machine
from modelyard.repository import FileAddress, Files, derived
from modelyard.sizing import MEASUREMENTS
from modelyard.sizing.engine_defaults import parsed_version

HEADER = "# Written by `modelyard plan --from-bench`: load tests, which move and narrow the ranges of plans.\n"

MOST_FAILED = 0.01
"""Share of failed requests from which on a run says nothing of latency."""

MOST_BACKLOG = 1.1
"""Requests sent over requests finished from which on a queue grew: the times depend on how long the run took."""

FEW = 4
"""Requests at once below which it does not matter how they start."""

MOST_QUEUED = 8.0
"""Times the published tail that a percentile of TTFT may lie above its median: beyond it a queue grew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One load test.

    Attributes:
        device: Device, as the points name it.
        ranks: Tensor-parallel ranks.
        precision: How weights were stored.
        version_text: The engine's version.
        prompt: Mean tokens of a prompt.
        output: Mean tokens of an answer.
        reuse: Share of prompts that lay in the prefix cache.
        requests: Mean requests at once of one replica.
        rate: Requests a second of one replica.
        ttft_ms: Median time to the first token.
        itl_ms: Median time between tokens.
        percentiles: Higher percentiles as (metric, percentile, milliseconds).
        day: Day on which it was read in, such as `2026-11-21`.
        file: Name of the result file.
        tool: What measured it.
    """

    device: str
    ranks: int
    precision: str
    version_text: str
    prompt: float
    output: float
    reuse: float
    requests: float
    rate: float
    ttft_ms: float | None
    itl_ms: float | None
    percentiles: tuple[tuple[str, int, float], ...] = ()
    day: str
    file: str
    tool: str

    @property
    def version(self) -> tuple[int, ...]:
        """Return the engine's version as numbers."""
        return parsed_version(self.version_text) or ()

    def tail(self, metric: str, percentile: int) -> float | None:
        """Return by how much a percentile lies above the median; None where the run does not say it."""
        if percentile == 50:
            return 1.0
        median = self.ttft_ms if metric == "ttft" else self.itl_ms
        value = next((each for name, at, each in self.percentiles if (name, at) == (metric, percentile)), None)
        return value / median if value is not None and median else None

    def is_of(self, other: Run) -> bool:
        """Return whether another run is of the same deployment, lengths and load, which it replaces."""
        same = ("device", "ranks", "precision", "version_text", "prompt", "output", "reuse")
        return all(getattr(self, name) == getattr(other, name) for name in same) and (
            abs(self.requests - other.requests) <= 0.05 * other.requests
        )


def refusal(result: LoadResult, machine: Machine, reuse: float, *, cache_said: bool) -> str:
    """Return why a run is not taken; empty where it is.

    Args:
        result: What it says.
        machine: The model on its ranks.
        reuse: Share of prompts that lay in the prefix cache.
        cache_said: Whether that share was said.
    """
    if result.failed > MOST_FAILED:
        return f"{result.failed:.0%} of its requests failed"
    if result.requests < 0.05 or result.ttft_ms <= 0 or result.itl_ms <= 0:
        return "it has no times"
    least = floor(machine, Lengths(result.prompt, result.output, reuse))
    if least.itl_ms is not None and result.itl_ms < least.itl_ms:
        return (
            f"{result.itl_ms:.1f} ms between tokens is below the floor of {least.itl_ms:.1f} ms ({least.itl_reason}): "
            "another model, device or precision was measured"
        )
    if least.ttft_ms is not None and result.ttft_ms < least.ttft_ms:
        if not cache_said:
            return (
                f"{result.ttft_ms:.0f} ms to the first token is below the floor of {least.ttft_ms:.0f} ms: prompts "
                "were cached, and --reuse does not say how much of them"
            )
        return f"{result.ttft_ms:.0f} ms to the first token is below the floor of {least.ttft_ms:.0f} ms"
    lengths = Lengths(result.prompt, result.output, reuse)
    seconds = (result.ttft_ms + result.itl_ms * max(0.0, result.output - 1)) / 1e3
    busy = least_busy(machine, lengths, result.rate * seconds, result.ttft_ms, result.itl_ms)
    if busy > 1:
        cached = "" if cache_said else ", prompts that were cached, of which --reuse says nothing,"
        return (
            f"{result.rate:.3g} requests a second need {busy:.1f} times what {machine.ranks} x {machine.device.name} "
            f"can do at the peak: several replicas, of which --replicas says nothing{cached} or another model, device "
            "or precision was measured"
        )
    return past_saturation(result, machine, reuse)


def past_saturation(result: LoadResult, machine: Machine, reuse: float) -> str:
    """Return why a run's first tokens tell of a queue that grew, and not of its load; empty where they do not.

    Args:
        result: What it says.
        machine: The model on its ranks.
        reuse: Share of prompts that lay in the prefix cache.
    """
    if result.backlog is not None and result.backlog > MOST_BACKLOG:
        return f"{result.backlog:.2f} times as many requests were sent as were finished: it is past saturation"
    if waited_for_a_place(machine, Lengths(result.prompt, result.output, reuse), result.requests, result.ttft_ms):
        return (
            f"{result.ttft_ms:.0f} ms to the first token is more than the prompts of {result.requests:.0f} requests "
            "take: they waited for a place in the engine (max-num-seqs, or the KV cache), it is past saturation"
        )
    if result.finished and result.requests >= FEW and result.requests > result.finished / 2:
        return (
            f"{result.requests:.0f} of its {result.finished:.0f} requests were in the engine at once: they were sent "
            "together, and their first tokens tell of their own queue; send ten times as many as there are at once"
        )
    worst = max((each / result.ttft_ms / tail(m, p) for m, p, each in result.percentiles if m == "ttft"), default=0.0)
    if worst > MOST_QUEUED:
        return "its slowest first tokens are so far from the median that a queue grew: it is past saturation"
    return ""


def runs_file(model_id: str) -> str:
    """Return the path of a model's load tests in a repository."""
    return f"{MEASUREMENTS}/{catalog.folder_name(model_id)}.load.yaml"


@derived
def runs_of(files: Files, model_id: str) -> tuple[Run, ...]:
    """Return the load tests that a repository keeps of a model.

    Raises:
        UserError: The file is not what `modelyard plan --from-bench` writes.
    """
    path = runs_file(model_id)
    if not files.is_file(path):
        return ()
    documents = files.documents(path)
    raw = documents[0] if len(documents) == 1 else None
    rows = raw.get("runs") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(rows, list) or raw.get("model") != model_id:
        raise _refused(files, path, (), f"it should hold `model: {model_id}` and a list `runs`")
    return tuple(_run(files, path, index, row) for index, row in enumerate(rows))


def runs_text(model_id: str, kept: Sequence[Run], new: Sequence[Run]) -> str:
    """Return the text of a model's file with runs added, each in the place of an earlier one of the same."""
    from ruamel.yaml import YAML

    left = [each for each in kept if not any(one.is_of(each) for one in new)]
    writer = YAML()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.width = 120
    out = StringIO()
    writer.dump({"model": model_id, "runs": [_row(each) for each in (*left, *new)]}, out)
    return HEADER + out.getvalue()


def _row(run: Run) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field in fields(Run):
        value = getattr(run, field.name)
        if value is None or value == ():
            continue
        if field.name == "percentiles":
            value = {f"{metric}-p{at}-ms": round(ms, 2) for metric, at, ms in value}
        row[_KEYS.get(field.name, field.name.replace("_", "-"))] = (
            round(value, 3) if isinstance(value, float) else value
        )
    return row


_KEYS = {"version_text": "version"}
_TEXTS = ("device", "precision", "version", "day", "file", "tool")


def _run(files: Files, path: str, index: int, row: Any) -> Run:
    where = ("runs", index)
    if not isinstance(row, Mapping):
        raise _refused(files, path, where, "an entry is no mapping")
    told: dict[str, Any] = {}
    for field in fields(Run):
        name = _KEYS.get(field.name, field.name.replace("_", "-"))
        value = row.get(name)
        if field.name == "percentiles":
            told[field.name] = _percentiles(files, path, where, value or {})
            continue
        wanted: tuple[type, ...] = (str,) if name in _TEXTS else (int,) if name == "ranks" else (int, float)
        if value is None and name in ("ttft-ms", "itl-ms"):
            told[field.name] = None
            continue
        if isinstance(value, bool) or not isinstance(value, wanted):
            raise _refused(files, path, (*where, name) if name in row else where, f"{name} is {value!r}")
        if isinstance(value, int | float) and not (0 <= value < 1e9 and (value > 0 or name == "reuse")):
            raise _refused(files, path, (*where, name), f"{name} is {value!r}, which no run says")
        told[field.name] = value
    made = Run(**told)
    if not made.version:
        raise _refused(
            files, path, (*where, "version"), f"version is {made.version_text!r}, expected one such as 0.33.0"
        )
    return made


def _percentiles(
    files: Files, path: str, where: tuple[str | int, ...], told: Any
) -> tuple[tuple[str, int, float], ...]:
    found = []
    for key, value in told.items() if isinstance(told, Mapping) else ():
        metric, _, rest = str(key).partition("-p")
        at = rest.removesuffix("-ms")
        if metric not in ("ttft", "itl") or not at.isdigit() or not isinstance(value, int | float) or value <= 0:
            raise _refused(files, path, (*where, "percentiles"), f"percentiles has {key!r}: {value!r}")
        found.append((metric, int(at), float(value)))
    return tuple(found)


def _refused(files: Files, path: str, where: tuple[str | int, ...], message: str) -> UserError:
    at = FileAddress(files, path, where) if where else At(Place(path))
    return UserError(f"{path}: {message}", fix="remove the entry and read the result in again", at=at)
