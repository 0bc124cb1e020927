"""What Argo CD reads by name: options, hooks, finalizers, settings, and the words of its RBAC."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from modelyard.catalog.loading import DATA, read_yaml


@cache
def argocd_options(kind: str) -> Mapping[str, tuple[str, ...]]:
    """Return options with their values; an option that stands alone has the value "".

    Args:
        kind: `sync-options` or `compare-options`.
    """
    return {name: tuple(values) for name, values in read_yaml(DATA / "argocd.yaml")[kind].items()}


@cache
def argocd_words(kind: str) -> frozenset[str]:
    """Return names of a kind.

    Args:
        kind: `hooks`, `hook-delete-policies`, `finalizers`, `params` (keys of `argocd-cmd-params-cm`) or `cm` (of
            `argocd-cm`; one that ends with a dot goes on with any other).
    """
    return frozenset(read_yaml(DATA / "argocd.yaml")[kind])


@cache
def argocd_rbac(kind: str) -> frozenset[str]:
    """Return words of Argo CD's RBAC.

    Args:
        kind: `resources`, `actions`, or the `roles` that are built in.
    """
    return frozenset(read_yaml(DATA / "argocd.yaml")["rbac"][kind])
