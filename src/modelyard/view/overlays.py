"""What an overlay says of itself in `overlay.yaml`, beside its manifests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.findings import UserError
from modelyard.repository import Files
from modelyard.view.applications import Application
from modelyard.view.quantities import quantity
from modelyard.view.shapes import entries, text

FILE = "overlay.yaml"
SHM = "shm"
"""Name that bases give the volume at /dev/shm."""


@dataclass(frozen=True, slots=True)
class OverlaySizes:
    """What an overlay gives the engine of the pod's memory, as it is written; empty where it says nothing.

    Attributes:
        memory: The memory limit.
        shm: The size of /dev/shm, which counts against it.
    """

    memory: str = ""
    shm: str = ""


def overlay_sizes(files: Files, folder: str) -> OverlaySizes:
    """Return what the patches of an overlay's folder say of memory and /dev/shm, the largest where several do."""
    memory, shm = [""], [""]
    for name in files.under(folder):
        path = f"{folder}/{name}"
        if not name.endswith((".yaml", ".yml")) or not files.is_file(path):
            continue
        try:
            content = files.documents(path)
        except UserError:
            continue
        for holder in _mappings(content):
            memory.append(text(holder, "limits", "memory"))
            shm += [
                text(each, "emptyDir", "sizeLimit") for each in entries(holder, "volumes") if each.get("name") == SHM
            ]
    return OverlaySizes(max(memory, key=_bytes), max(shm, key=_bytes))


def overlay_folder(application: Application) -> str:
    """Return the folder of the overlay that an Application uses; empty where it uses none."""
    repository = application.repository
    if repository is None or not application.target:
        return ""
    folders = repository.kustomizations.tree(application.target).folders
    return next((each for each in folders if repository.files.is_file(f"{each}/{FILE}")), "")


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _mappings(each)


def _bytes(written: str) -> float:
    return float(quantity(written) or 0)


def overlay_facts(application: Application) -> dict[str, Any]:
    """Return what the overlay that an Application uses says of itself; nothing where there is none to read."""
    folder = overlay_folder(application)
    if not folder or application.repository is None:
        return {}
    try:
        content = application.repository.files.documents(f"{folder}/{FILE}")
    except UserError:
        return {}
    return content[0] if content and isinstance(content[0], dict) else {}
