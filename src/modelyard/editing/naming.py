"""Names of models."""

from __future__ import annotations

import re


def model_name(model_id: str) -> str:
    """Return the name that a model gets where nobody names it: the last part of its id as a DNS label."""
    plain = re.sub(r"[^a-z0-9]+", "-", model_id.rpartition("/")[2].lower()).strip("-")
    return plain if plain[:1].isalpha() else f"model-{plain}"
