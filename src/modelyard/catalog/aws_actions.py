"""The actions that IAM policies may name, of the services that an environment calls."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from modelyard.catalog.loading import read_json


@cache
def aws_actions() -> Mapping[str, frozenset[str]]:
    """Return the actions by the prefix of their service, such as `s3`; another service is unknown."""
    listed = read_json("aws", "actions.json")["services"]
    return MappingProxyType({service: frozenset(actions) for service, actions in listed.items()})
