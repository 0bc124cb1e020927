"""Amounts of resources, exact and in one unit, and what pods ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelyard.view import quantity

Resources = dict[str, int]
"""Amounts by resource, in thousandths of its unit: milli-cores, milli-bytes, milli-devices."""

CPU, MEMORY, STORAGE, PODS, NODES = "cpu", "memory", "ephemeral-storage", "pods", "nodes"
THOUSAND = 1000
MIB = 2**20
GIB = 2**30
_OF_WHOLE_PODS = (CPU, MEMORY, "hugepages-")


def amount(value: Any) -> int | None:
    """Return a quantity in thousandths, rounded up as the API server does; None when it is none."""
    found = quantity(value)
    return None if found is None else -int(-(found * THOUSAND) // 1)


def amounts(mapping: Any) -> Resources:
    """Return the quantities of a mapping; what is none is left out."""
    if not isinstance(mapping, Mapping):
        return {}
    return {str(name): found for name, value in mapping.items() if (found := amount(value)) is not None}


def total(parts: Iterable[Resources]) -> Resources:
    """Return the sum by resource."""
    found: Resources = {}
    for part in parts:
        for name, value in part.items():
            found[name] = found.get(name, 0) + value
    return found


def fits(asked: Resources, allocatable: Resources) -> bool:
    """Return whether there is enough of everything; a node whose overhead exceeds its capacity takes nothing."""
    if any(value < 0 for value in allocatable.values()):
        return False
    return all(value <= allocatable.get(name, 0) for name, value in asked.items())


def pod_requests(spec: Mapping[str, Any]) -> Resources:
    """Return what the scheduler counts for a pod.

    Containers are summed; each init container needs its own requests beside the sidecars that started before it;
    requests of the pod as a whole replace the sum; `overhead` comes on top. Requests default to limits, as in the API
    server. One pod is counted under `pods`. Source: k8s.io/component-helpers v0.35 resource/helpers.go and KEP-753.
    """
    asked = total(_requested(each) for each in _containers(spec, "containers"))
    sidecars: Resources = {}
    peak: Resources = {}
    for container in _containers(spec, "initContainers"):
        own = _requested(container)
        if container.get("restartPolicy") == "Always":
            asked, sidecars = total((asked, own)), total((sidecars, own))
            running = sidecars
        else:
            running = total((own, sidecars))
        for name, value in running.items():
            peak[name] = max(peak.get(name, 0), value)
    for name, value in peak.items():
        asked[name] = max(asked.get(name, 0), value)
    whole = spec.get("resources")
    if isinstance(whole, Mapping):
        asked.update({name: value for name, value in _requested(spec).items() if name.startswith(_OF_WHOLE_PODS)})
    asked = total((asked, amounts(spec.get("overhead"))))
    asked[PODS] = THOUSAND
    return asked


def _containers(spec: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    entries = spec.get(field)
    return [each for each in entries if isinstance(each, Mapping)] if isinstance(entries, list) else []


def _requested(holder: Mapping[str, Any]) -> Resources:
    resources = holder.get("resources")
    if not isinstance(resources, Mapping):
        return {}
    return {**amounts(resources.get("limits")), **amounts(resources.get("requests"))}


def written(name: str, value: int) -> str:
    """Return an amount of a resource for people: `3.9 CPU`, `12.5 GiB`, `4 nvidia.com/gpu`."""
    if name in (MEMORY, STORAGE) or name.startswith("hugepages-"):
        number = value / THOUSAND / GIB
        return f"{_short(number)} GiB" + {MEMORY: " of memory", STORAGE: " of disk"}.get(name, f" of {name}")
    # Counts are told as they are written in manifests.
    return f"{_short(value / THOUSAND).replace(',', '')} {'CPU' if name == CPU else name}"


def _short(number: float) -> str:
    return f"{number:,.2f}".rstrip("0").rstrip(".") if abs(number) < 10 else f"{number:,.1f}".removesuffix(".0")
