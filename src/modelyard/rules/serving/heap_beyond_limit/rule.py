"""Memory that a process is told to take, beyond the limit of its container."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Container, Environment, PodTemplate, mapping, numbered, quantity

# https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html: bytes, or a number with k, m or g.
_HEAP = re.compile(r"(?<!\S)-Xm[xs](\d{1,9})([kKmMgG]?)(?!\S)")
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_MIB = 1024**2
# `ray start --object-store-memory`: bytes, which Ray takes in /dev/shm or, without room there, in a file.
_STORE = "object-store-memory"


@rule("serving/heap-beyond-limit", error, since="0.3.0")
def heap_beyond_limit(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A heap or object store larger than the container's memory limit is killed as it fills, or never starts."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            for container in template.containers:
                limit = quantity(mapping(container.value, "resources", "limits").get("memory"))
                if limit is None:
                    continue
                for at, what, size in (*_heaps(container), *_stores(template, container)):
                    if size > int(limit):
                        yield Finding(
                            at=at,
                            message=f"{container} is told to take {size // _MIB} MiB ({what}), and its memory limit is "
                            f"{int(limit) // _MIB} MiB",
                            fix="lower it to half of the limit, or raise the limit",
                        )


def _heaps(container: Container) -> Iterator[tuple[Address, str, int]]:
    """Yield the largest heap that each variable or argument gives to Java."""
    written: list[tuple[tuple[str | int, ...], object]] = [
        (("env", index, "value"), each.get("value")) for index, each in numbered(container.value, "env")
    ]
    for field in ("command", "args"):
        words = container.value.get(field)
        written += [((field, index), word) for index, word in enumerate(words if isinstance(words, list) else ())]
    for path, value in written:
        found = [(int(size) * _UNITS[unit.lower()], size + unit) for size, unit in _HEAP.findall(str(value or ""))]
        if found:
            size, told = max(found)
            yield container.at(*path), f"a heap of {told}", size


def _stores(template: PodTemplate, container: Container) -> Iterator[tuple[Address, str, int]]:
    """Yield the object store of a group of a Ray cluster, which the first container of its pods runs."""
    if "template" not in template.path or container.path[-2:] != ("containers", 0):
        return
    path = (*template.path[: template.path.index("template")], "rayStartParams", _STORE)
    size = str(template.manifest.get(path, ""))
    if size.isdigit():
        yield template.manifest.at(path), f"rayStartParams {_STORE}", int(size)
