"""What is known of a model that runs on CPUs: its memory limit against the server alone, and its threads."""

from __future__ import annotations

import math

from modelyard.view import ServedModel, entries, mapping, text
from modelyard.view.quantities import quantity
from modelyard.wording import counted

_MIB = 2**20
_THREADS = "OMP_NUM_THREADS"


def unsized(model: ServedModel) -> str:
    """Return why nothing is said about a model's memory, with what is known of it."""
    if model.engine.resident_mib is None:
        return f"what {model.engine.title} takes of the memory of its devices is not modelled"
    resources = mapping(model.container.value, "resources")
    limit = quantity(mapping(resources, "limits").get("memory"))
    least, most = model.engine.resident_mib
    room = "it has no memory limit" if limit is None else f"its memory limit is {limit / _MIB:.0f} MiB"
    threads = _threads(model)
    return (
        f"{room}, of which {model.engine.title} takes {least} to {most} MiB with a small model"
        + (f"; it runs {counted(threads, 'thread')}" if threads else "")
        + "; what its model takes is not modelled"
    )


def _threads(model: ServedModel) -> int:
    """Return the threads of OpenMP; 0 where they are not told."""
    variable = next((each for each in entries(model.container.value, "env") if text(each, "name") == _THREADS), {})
    written = str(variable.get("value") or "")
    if written.isdecimal():
        return int(written)
    field, _, resource = text(variable, "valueFrom", "resourceFieldRef", "resource").partition(".")
    cores = quantity(mapping(model.container.value, "resources", field).get(resource)) if resource == "cpu" else None
    return 0 if cores is None else max(1, math.ceil(cores))
