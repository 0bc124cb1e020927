"""What roles can give rights to: resources of Kubernetes' own API groups, and verbs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from modelyard.catalog.loading import DATA, read_yaml


@cache
def api_resources() -> Mapping[str, frozenset[str]]:
    """Return the resources by API group, `""` for the core one; groups that grow by themselves are not there."""
    return MappingProxyType({group: frozenset(names) for group, names in _read()["resources"].items()})


@cache
def api_verbs() -> frozenset[str]:
    """Return the verbs that the API server and its authorizers ask for."""
    return frozenset(_read()["verbs"])


@cache
def _read() -> Mapping[str, Any]:
    found: Mapping[str, Any] = read_yaml(DATA / "api_resources.yaml")
    return found
