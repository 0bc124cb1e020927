"""A comparison as the HTML report shows it: what `json_v1` writes, the outcome in words, and no whole manifests."""

from __future__ import annotations

from typing import Any

from modelyard.diffing.json_v1 import document
from modelyard.diffing.model import Comparison
from modelyard.diffing.outcome import outcome


def changes_content(comparison: Comparison) -> dict[str, Any]:
    """Return what changes, in plain mappings and lists; environments in which nothing differs are left out."""
    told = document(comparison)
    shown = []
    for change, environment in zip(comparison.environments, told["environments"], strict=True):
        if not change.differs:
            continue
        for application in environment["applications"]:
            for resource in application["resources"]:
                del resource["manifest"]  # an added one is in the repository, and may be long
        shown.append({**environment, "outcome": outcome(change)})
    return {"base": told["base"], "head": told["head"], "environments": shown}
