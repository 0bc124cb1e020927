"""What the kubelet allows by a probe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def allowed_seconds(probe: Mapping[str, Any]) -> int:
    """Return the seconds after which the kubelet restarts a container that has not answered its start-up probe."""
    threshold, period = whole(probe, "failureThreshold", 3), whole(probe, "periodSeconds", 10)
    return whole(probe, "initialDelaySeconds", 0) + threshold * period


def whole(holder: Mapping[str, Any], key: str, default: int) -> int:
    """Return a positive whole number, the default where there is none."""
    value = holder.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default
