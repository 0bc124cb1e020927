"""Published measurements of serving, as `scripts/catalog_benchmarks.py` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from modelyard.catalog import Device, ModelShape, device
from modelyard.catalog.models import shape_from_mapping
from modelyard.planning.floor import waited_for_a_place
from modelyard.planning.speed import Lengths, Machine
from modelyard.planning.work import model_work
from modelyard.sizing.engine_defaults import parsed_version

FOLDER = Path(__file__).parent
GIB = 2**30

DEVICES = {
    "A100-40GB": ("A100", 40960),
    "A100-80GB": ("A100", 81920),
    "A10G": ("A10G", 22888),
    "B200": ("B200", 183359),
    "B300": ("B300", 275040),
    "H100": ("H100", 81920),
    "H200": ("H200", 144384),
    "L4": ("L4", 22888),
    "L40S": ("L40S", 45776),
    "H100 PCIe": ("H100 PCIe", 81920),
    "RTX A6000": ("RTX A6000", 49152),
    "RTX PRO Server 6000": ("RTX PRO Server 6000", 98304),
}
"""Devices of the catalogue by the names of the points."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One measured point.

    Attributes:
        id: Number in the file that it was taken from.
        family: The model without its variants.
        model: The model's id.
        shape: Key of its shape.
        gpu: Its device.
        ranks: Tensor-parallel ranks.
        version: vLLM's version; None where it is not stated.
        prompt: Tokens of a prompt.
        output: Tokens of an answer.
        requests: Requests at once, where the load is closed.
        rate: Requests a second, where it is open.
        load: `closed`, `open` or `saturated` (all requests at once).
        ttft_ms: Median or mean time to the first token.
        itl_ms: Median or mean time between tokens.
        output_tokens_per_s: Tokens a second of all answers.
        source: File and revision, or URL.
        note: What is special about it.
        held_out: Whether its family is never fitted on.
    """

    id: int
    family: str
    model: str
    shape: str
    gpu: str
    ranks: int
    version: str | None
    prompt: int
    output: int
    requests: float | None
    rate: float | None
    load: str
    ttft_ms: float | None
    itl_ms: float | None
    output_tokens_per_s: float | None
    source: str
    note: str
    held_out: bool

    @property
    def lengths(self) -> Lengths:
        """Return its lengths."""
        return Lengths(self.prompt, self.output)

    @property
    def device(self) -> Device:
        """Return its device."""
        found = benchmark_device(self.gpu)
        if found is None:
            raise ValueError(f"{self.gpu} is not in the catalogue")
        return found

    @property
    def machine(self) -> Machine:
        """Return the model on its ranks."""
        return _machine(self.shape, self.gpu, self.ranks, parsed_version(self.version or "") or ())

    @property
    def steady(self) -> bool:
        """Return whether a closed load held all its requests in the cache, with times that speak of a steady state."""
        if self.load != "closed" or not (self.requests and self.itl_ms and self.ttft_ms):
            return False
        return self.requests <= room(self.machine, self.lengths) and not waited_for_a_place(
            self.machine, self.lengths, self.requests, self.ttft_ms
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return the row of the file."""
        return {name.replace("_", "-"): value for name, value in asdict(self).items() if value not in (None, "")}


@cache
def _machine(shape: str, gpu: str, ranks: int, engine: tuple[int, ...]) -> Machine:
    found = benchmark_device(gpu)
    if found is None:
        raise ValueError(f"{gpu} is not in the catalogue")
    return Machine(model_work(shapes()[shape]), found, ranks, engine)


def benchmark_device(name: str) -> Device | None:
    """Return the catalogue's device of a point; None where it has none."""
    return device(*DEVICES[name]) if name in DEVICES else None


def room_at_most(machine: Machine, lengths: Lengths) -> float:
    """Return the requests that the cache holds at most, whatever was set: an 8-bit cache, 95 % of the memory."""
    weights = (machine.work.dense_bytes + machine.work.expert_bytes) / machine.ranks
    left = machine.device.total_gib * GIB * 0.95 - weights - 2 * GIB
    return 2 * left / machine.work.cache_bytes(lengths.prompt + 0.6 * lengths.output, machine.ranks)


def room(machine: Machine, lengths: Lengths) -> float:
    """Return the requests that the cache holds as the engine sets itself up: a 16-bit cache, 90 % of the memory."""
    weights = (machine.work.dense_bytes + machine.work.expert_bytes) / machine.ranks
    left = machine.device.total_gib * GIB * 0.9 - weights - 3 * GIB
    return left / machine.work.cache_bytes(lengths.context, machine.ranks)


@cache
def shapes() -> Mapping[str, ModelShape]:
    """Return the shapes of the points by their keys."""
    raw = json.loads((FOLDER / "shapes.json").read_text(encoding="utf-8"))
    return {name: shape_from_mapping(each) for name, each in raw.items()}


@cache
def benchmarks() -> tuple[Benchmark, ...]:
    """Return every point."""
    raw = json.loads((FOLDER / "benchmarks.json").read_text(encoding="utf-8"))
    absent = ("requests", "rate", "version", "ttft-ms", "itl-ms", "output-tokens-per-s")
    empty: dict[str, Any] = {**dict.fromkeys(absent), "note": "", "held-out": False}
    return tuple(
        Benchmark(**{name.replace("-", "_"): value for name, value in {**empty, **row}.items()})
        for row in raw["points"]
    )
