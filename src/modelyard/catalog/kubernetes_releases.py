"""What goes with a minor version of Kubernetes."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from modelyard.catalog.loading import DATA, read_yaml

_MINOR = re.compile(r"v?1\.(\d{1,3})(?:[.-].*)?")


def minor_version(version: str) -> int | None:
    """Return the minor version of Kubernetes, such as 35 of `v1.35.6-eksbuild.2`; None where it is not one of 1.x."""
    found = _MINOR.fullmatch(version)
    return int(found[1]) if found else None


def karpenter_for(minor: int) -> str:
    """Return the first version of Karpenter that supports `1.<minor>`; empty where that is not known."""
    return str(_data()["karpenter"].get(f"1.{minor}") or "")


def oldest_kube_proxy(minor: int) -> int:
    """Return the oldest minor version of kube-proxy that works with an API server of `1.<minor>`."""
    return minor - int(_data()["kube-proxy"]["older"])


@cache
def _data() -> dict[str, Any]:
    facts: dict[str, Any] = read_yaml(DATA / "kubernetes.yaml")
    return facts
