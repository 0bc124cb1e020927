"""Threads of libraries for numbers, and the CPUs that their container may use."""

from __future__ import annotations

import math
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Container, Environment, mapping, numbered, text
from modelyard.view.quantities import quantity

_VARIABLES = (
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


@rule("serving/threads-beyond-cpus", warning, since="0.3.0")
def threads_beyond_cpus(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Threads beyond a CPU limit use up each period's share at once, and all of them stand still for its rest."""
    for workload in environment.own_workloads:
        for container in workload.containers:
            limit = quantity(mapping(container.value, "resources", "limits").get("cpu"))
            for index, each in numbered(container.value, "env"):
                name = text(each, "name")
                if name not in _VARIABLES:
                    continue
                written = str(each.get("value") or "").strip()
                most = None if limit is None else max(1, math.ceil(limit))
                if written.isdecimal() and limit is not None and most is not None and int(written) > most:
                    yield Finding(
                        at=container.at("env", index, "value"),
                        message=f"{container} runs {written} threads ({name}) on {limit.normalize():f} CPU, its limit",
                        fix=f"set {name} to {most}, or take it from requests.cpu by resourceFieldRef",
                    )
                elif limit is None and _of_own_limit(container, each):
                    yield Finding(
                        at=container.at("env", index, "valueFrom", "resourceFieldRef", "resource"),
                        message=f"{container} takes {name} from limits.cpu, which is unset: the CPUs of the node count",
                        fix="write requests.cpu",
                    )


def _of_own_limit(container: Container, variable: dict[str, object]) -> bool:
    reference = mapping(variable, "valueFrom", "resourceFieldRef")
    return (
        reference.get("resource") == "limits.cpu" and reference.get("containerName", container.name) == container.name
    )
