"""Runners that GitHub hosts, and managers of Renovate."""

from __future__ import annotations

from functools import cache

from modelyard.catalog.loading import DATA, read_yaml


@cache
def github_runners() -> tuple[frozenset[str], frozenset[str]]:
    """Return the labels of the runners that GitHub hosts, and of those that it has taken away."""
    found = read_yaml(DATA / "github.yaml")
    return frozenset(found["runners"]), frozenset(found["removed"])


@cache
def renovate_managers() -> frozenset[str]:
    """Return the managers of Renovate that files of a GitOps repository may be for."""
    return frozenset(read_yaml(DATA / "github.yaml")["renovate-managers"])


@cache
def action_inputs(action: str) -> frozenset[str]:
    """Return the inputs that are known of an action, such as `actions/checkout`; nothing of one that is not known."""
    found: dict[str, list[str]] = read_yaml(DATA / "github.yaml")["actions"]
    return frozenset(found.get(action, ()))
