"""What an overlay says of itself in `overlay.yaml`, beside its manifests."""

from __future__ import annotations

from typing import Any

from modelyard.cluster.applications import Application
from modelyard.findings import Refusal

FILE = "overlay.yaml"


def overlay_facts(application: Application) -> dict[str, Any]:
    """Return what the overlay that an Application uses says of itself; nothing where there is none to read."""
    repository = application.repository
    if repository is None or not application.target:
        return {}
    for folder in repository.kustomizations.tree(application.target).folders:
        path = f"{folder}/{FILE}"
        if not repository.files.is_file(path):
            continue
        try:
            content = repository.files.documents(path)
        except Refusal:
            return {}
        return content[0] if content and isinstance(content[0], dict) else {}
    return {}
