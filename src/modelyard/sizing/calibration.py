"""Start-up logs that the estimate is held against, and how near a deployment is to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from modelyard import catalog
from modelyard.catalog import Device, ModelShape, shape_from_mapping
from modelyard.sizing.budget import MemoryBudget, memory_budget
from modelyard.sizing.engine_defaults import Version, parsed_version
from modelyard.sizing.overheads import GIB
from modelyard.sizing.settings import EffectiveSettings, effective_settings
from modelyard.sizing.weights import rank_weights

DATA = Path(__file__).parent / "data" / "calibration.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationPoint:
    """Figures of one public start-up log; None where the log does not print them.

    Attributes:
        number: Position in the data.
        model: As the log names it.
        shape: The model's shape, or None when it is not known.
        device: The device, or None when it is not one of the catalogue's.
        engine: vLLM's version.
        engine_assumed: Whether the log does not name the version exactly.
        flags: Flags that the log names.
        environment: Environment variables that the log lets see.
        total_gib: Memory of the device as logged.
        weights_gib: Weights of a rank.
        activation_gib: Peak of the profile run.
        kv_available_gib: What was left for the cache of the tightest rank.
        kv_tokens: Tokens that the cache held.
        kv_blocks: Blocks that the cache held.
        refused: Whether the engine refused to start, or ran out of memory.
        refused_lengths: Lengths that it refused beside the one in `flags`.
        source: Where the log is.
        note: What a reader should know.
    """

    number: int
    model: str
    shape: ModelShape | None
    device: Device | None
    engine: str
    engine_assumed: bool
    flags: Mapping[str, Any]
    environment: Mapping[str, str]
    total_gib: float | None
    weights_gib: float | None
    activation_gib: float | None
    kv_available_gib: float | None
    kv_tokens: int | None
    kv_blocks: int | None
    refused: bool
    refused_lengths: tuple[int, ...]
    source: str
    note: str

    @property
    def version(self) -> Version:
        """The version as numbers."""
        return parsed_version(self.engine) or (0, 0, 0)

    @property
    def has_full_breakdown(self) -> bool:
        """Whether device memory, weights, activation and cache are all logged."""
        return None not in (self.total_gib, self.weights_gib, self.activation_gib, self.kv_available_gib)

    @property
    def tells_cache(self) -> bool:
        """Whether the log tells what was left for the cache, and of how much."""
        return None not in (self.total_gib, self.weights_gib, self.kv_available_gib, self.shape, self.device)

    @property
    def title(self) -> str:
        """The point in a few words."""
        name = self.device.name if self.device else "another device"
        return f"{self.model} on {name}, vLLM {self.engine}, TP {self.flags.get('tensor-parallel-size', 1)}"

    def settings(self, **flags: Any) -> EffectiveSettings | None:
        """Return the settings of the log, with some flags replaced; None without shape or device."""
        if self.shape is None or self.device is None:
            return None
        given = {**self.flags, **{name.replace("_", "-"): value for name, value in flags.items()}}
        return effective_settings(
            given, self.engine, self.shape, self.device, total_gib=self.total_gib, environment=self.environment
        )

    def estimated_weights_gib(self) -> float | None:
        """Return the estimated weights of a rank; for a device that is not known, those of an A100."""
        device = self.device or catalog.device("A100-80GB")
        if self.shape is None or device is None:
            return None
        settings = effective_settings(self.flags, self.engine, self.shape, device)
        return rank_weights(self.shape, settings, device).total / GIB

    def estimate(self, **flags: Any) -> MemoryBudget | None:
        """Return what the estimate says for the log's deployment; None without shape or device."""
        settings = self.settings(**flags)
        if settings is None or self.shape is None or self.device is None:
            return None
        return memory_budget(self.shape, settings, self.device, total_gib=self.total_gib)

    def kv_error_gib(self) -> float | None:
        """Return estimate minus log of what is left for the cache; None when the log does not tell enough.

        A log that prints blocks only is taken at 16 tokens a block.
        """
        estimate = self.estimate()
        if estimate is None or "gpu-memory-utilization" not in self.flags:
            return None
        if self.kv_available_gib is not None:
            return estimate.kv_available_gib - self.kv_available_gib
        if self.kv_blocks is not None:
            return estimate.kv_available_gib - self.kv_blocks * 16 * estimate.kv_bytes_per_token / GIB
        return None


@cache
def calibration_points() -> tuple[CalibrationPoint, ...]:
    """Return every start-up log in the data."""
    import orjson

    return tuple(_point(row) for row in orjson.loads(DATA.read_bytes())["points"])


def _point(row: Mapping[str, Any]) -> CalibrationPoint:
    flags = {"tensor-parallel-size": row["tp"], **row["flags"]}
    if "gpu_memory_utilization" in row:
        flags["gpu-memory-utilization"] = row["gpu_memory_utilization"]
    if "max_model_len" in row:
        flags["max-model-len"] = row["max_model_len"]
    return CalibrationPoint(
        number=row["point"],
        model=row["model"],
        shape=_shape(row),
        device=_device(row["device"]),
        engine=row["engine"],
        engine_assumed="engine_assumed" in row,
        flags=flags,
        environment=row.get("environment", {}),
        total_gib=row.get("gpu_total_gib"),
        weights_gib=row.get("weights_gib_per_gpu"),
        activation_gib=row.get("activation_peak_gib"),
        kv_available_gib=row.get("tightest_kv_gib", row.get("available_kv_gib_per_gpu")),
        kv_tokens=row.get("kv_tokens"),
        kv_blocks=row.get("gpu_blocks"),
        refused=row["refused"],
        refused_lengths=tuple(row.get("refused_lengths", ())),
        source=row["source"],
        note=row.get("note", ""),
    )


def _shape(row: Mapping[str, Any]) -> ModelShape | None:
    if "shape" in row:
        return shape_from_mapping(row["shape"])
    entry = catalog.model(row.get("like", row["model"]))
    if entry is None or entry.shape is None:
        return None
    stored = row.get("quantization")
    return replace(entry.shape, quantization=catalog.Quantization(**stored)) if stored else entry.shape


def _device(name: str | None) -> Device | None:
    return catalog.device(name) if name else None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How near a deployment is to what was calibrated.

    Attributes:
        point: The nearest start-up log.
        covered: Whether version, device and kind of model are the log's.
        reason: What differs, in a few words; empty when nothing does.
    """

    point: CalibrationPoint
    covered: bool
    reason: str


SAME_MEMORY = 0.02
"""Share by which two devices of one name may differ in memory and still count as the same."""


def coverage(
    shape: ModelShape, settings: EffectiveSettings, device: Device, *, total_gib: float | None = None
) -> Coverage:
    """Return the nearest calibrated start-up log and what differs from it.

    Only logs that tell device memory and what was left for the cache count. Nearness is the device first, then the
    version, then whether the model has experts, then the number of ranks.
    """
    candidates = [point for point in calibration_points() if point.tells_cache]

    def distance(point: CalibrationPoint) -> tuple[float, float, bool, bool, int]:
        if point.device is None or point.shape is None:
            return inf, inf, True, True, 0
        memory = abs(point.device.total_gib - device.total_gib)
        same_device = 0.0 if point.device.name == device.name else 1.0 + memory
        apart = abs((point.version[0] - settings.version[0]) * 100 + point.version[1] - settings.version[1])
        experts = (point.shape.experts is None) != (shape.experts is None)
        vision = (point.shape.encoder_parameters == 0) != (shape.encoder_parameters == 0)
        ranks = abs(point.flags["tensor-parallel-size"] - settings.tensor_parallel_size)
        return same_device, float(apart), experts, vision, ranks

    nearest = min(candidates, key=distance)
    device_apart, version_apart, experts, vision, ranks = distance(nearest)
    logged = nearest.total_gib or 0.0
    slice_ = total_gib is not None and not device_apart and abs(total_gib - logged) > SAME_MEMORY * logged
    differences = [
        f"{total_gib:.1f} GiB of the device" if slice_ else "",
        f"device {device.name}" if device_apart else "",
        f"version {'.'.join(map(str, settings.version))}" if version_apart else "",
        ("experts" if shape.experts is not None else "no experts") if experts else "",
        "images" if vision else "",
        f"{settings.tensor_parallel_size} ranks" if ranks else "",
    ]
    told = ", ".join(difference for difference in differences if difference)
    return Coverage(nearest, not told, told)
