"""Measured budgets that a repository keeps: `measurements/<model>.yaml`, one file for each model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

from modelyard import catalog
from modelyard.catalog import Device, ModelShape
from modelyard.findings import At, Place, UserError
from modelyard.repository import FileAddress, Files, derived
from modelyard.sizing.budget import memory_budget
from modelyard.sizing.engine_defaults import parsed_version
from modelyard.sizing.measured import MeasuredBudget
from modelyard.sizing.settings import EffectiveSettings

MEASUREMENTS = "measurements"
"""Folder of a repository; what it holds is true in every environment, since it depends on model, version and device."""

HEADER = "# Written by `modelyard fit --from-log`: what start-up logs of vLLM say, taken before the estimate.\n"

_IDENTITY = (
    "version",
    "device",
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "data_parallel_size",
    "max_num_seqs",
    "max_num_batched_tokens",
    "kv_cache_dtype",
    "quantization",
    "speculative",
    "max_loras",
    "cpu_offload_gb",
    "conditions",
)
"""What tells two measurements of a model apart; a later log of the same deployment replaces the earlier one."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One start-up log.

    Attributes:
        budget: What it says.
        log: Name of the log's file.
        read: Day on which it was read, such as `2026-11-21`.
    """

    budget: MeasuredBudget
    log: str
    read: str

    def is_of(self, other: Measurement) -> bool:
        """Return whether another log is of the same deployment."""
        return all(getattr(self.budget, name) == getattr(other.budget, name) for name in _IDENTITY)


def measurements_file(model_id: str) -> str:
    """Return the path of a model's measurements in a repository."""
    return f"{MEASUREMENTS}/{catalog.folder_name(model_id)}.yaml"


@derived
def measurements(files: Files, model_id: str) -> tuple[Measurement, ...]:
    """Return the measurements that a repository keeps of a model.

    Raises:
        UserError: The file is not what `modelyard fit --from-log` writes.
    """
    path = measurements_file(model_id)
    return _parsed(files, path, model_id) if files.is_file(path) else ()


def measured_for(
    found: tuple[Measurement, ...],
    shape: ModelShape,
    settings: EffectiveSettings,
    device: Device,
    total_gib: float | None,
) -> MeasuredBudget | None:
    """Return the last measurement that is of this deployment, None when none is."""
    if not found:
        return None
    estimate = memory_budget(shape, settings, device, total_gib=total_gib)
    of_it = [each.budget for each in found if each.budget.budget_for(estimate, shape, settings, device) is not None]
    return of_it[-1] if of_it else None


def text_with(files: Files, model_id: str, new: Measurement) -> str:
    """Return the text of a model's file with a measurement added, or in the place of an earlier one of the same."""
    from ruamel.yaml import YAML

    kept = [each for each in measurements(files, model_id) if not each.is_of(new)]
    writer = YAML()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.width = 120
    out = StringIO()
    writer.dump({"model": model_id, "measurements": [_row(each) for each in (*kept, new)]}, out)
    return HEADER + out.getvalue()


def _row(each: Measurement) -> dict[str, Any]:
    budget = each.budget.to_mapping()
    budget.pop("model", None)
    return {"log": each.log, "read": each.read, **budget}


def _parsed(files: Files, path: str, model_id: str) -> tuple[Measurement, ...]:
    content = files.documents(path)
    raw = content[0] if len(content) == 1 else None
    rows = raw.get("measurements") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(rows, list) or raw.get("model") != model_id:
        raise _refusal(files, path, (), f"it should hold `model: {model_id}` and a list `measurements`")
    return tuple(_measurement(files, path, index, row, model_id) for index, row in enumerate(rows))


def _measurement(files: Files, path: str, index: int, row: Any, model_id: str) -> Measurement:
    where = ("measurements", index)
    if not isinstance(row, Mapping):
        raise _refusal(files, path, where, "an entry is no mapping")
    budget = {name: value for name, value in row.items() if name not in ("log", "read")}
    for name, value in budget.items():
        expected: tuple[type, ...] = (str,) if name in _TEXTS else (int, float)
        if isinstance(value, bool) or not isinstance(value, expected):
            wanted = "text" if name in _TEXTS else "a number"
            raise _refusal(files, path, (*where, str(name)), f"{name} is {value!r}, expected {wanted}")
        if isinstance(value, int | float) and not -1e6 < value < 1e12:
            raise _refusal(files, path, (*where, str(name)), f"{name} is {value!r}, which no log says")
    try:
        measured = MeasuredBudget.from_mapping({"model": model_id, **budget})
    except UserError as error:
        raise _refusal(files, path, where, error.message) from None
    if parsed_version(measured.version) is None or not measured.device or measured.kv_available_gib is None:
        raise _refusal(files, path, where, "an entry should have version, device and kv-available-gib")
    return Measurement(measured, str(row.get("log", "")), str(row.get("read", "")))


_TEXTS = ("version", "device", "kv-cache-dtype", "quantization", "speculative", "refused", "conditions")


def _refusal(files: Files, path: str, where: tuple[str | int, ...], message: str) -> UserError:
    at = FileAddress(files, path, where) if where else At(Place(path))
    return UserError(f"{path}: {message}", fix="remove the entry and read the log in again", at=at)
