"""Argo CD's projects: what Applications in them may read and write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.view.manifests import Manifest
from modelyard.view.shapes import listed

IN_CLUSTER = ("https://kubernetes.default.svc", "in-cluster")
"""Address and name under which Argo CD knows the cluster that it runs in."""


@dataclass(frozen=True)
class Project:
    """An AppProject."""

    manifest: Manifest

    @property
    def name(self) -> str:
        """Return the project's name."""
        return self.manifest.name

    @property
    def source_repositories(self) -> tuple[str, ...]:
        """Return the patterns of repositories that may be read."""
        return tuple(str(each) for each in listed(self.manifest.value, "spec", "sourceRepos"))

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Return the patterns of namespaces that may be written to, in any cluster."""
        return tuple(str(each.get("namespace") or "") for each in self._destinations)

    @property
    def _destinations(self) -> list[Mapping[str, Any]]:
        return list(self.manifest.entries("spec.destinations"))

    def permits_source(self, url: str) -> bool:
        """Return whether a Git or chart repository may be read."""
        wanted = _plain_url(url)
        allowed = False
        for pattern in self.source_repositories:
            denied = pattern.startswith("!")
            if _matches(_plain_url(pattern.removeprefix("!")), wanted, separator="/"):
                if denied:
                    return False
                allowed = True
        return allowed

    def permits_destination(self, server: str, name: str, namespace: str) -> bool:
        """Return whether objects may be written to a namespace of a cluster, named by its address or its name."""
        known = set(IN_CLUSTER) if {server, name} & set(IN_CLUSTER) else {server, name} - {""}
        allowed = False
        for each in self._destinations:
            pattern = str(each.get("namespace") or "")
            clusters = [str(each[key]) for key in ("server", "name") if each.get(key)]
            denied = any(part.startswith("!") for part in (pattern, *clusters))
            here = all(any(_matches(part.removeprefix("!"), cluster) for cluster in known) for part in clusters)
            if here and _matches(pattern.removeprefix("!"), namespace):
                if denied:
                    return False
                allowed = True
        return allowed

    def permits_kind(self, group: str, kind: str, name: str, namespaced: bool) -> bool:
        """Return whether objects of a kind may be written; without a namespace only what is listed may."""
        prefix = "namespace" if namespaced else "cluster"
        permitted = listed(self.manifest.value, "spec", f"{prefix}ResourceWhitelist")
        barred = listed(self.manifest.value, "spec", f"{prefix}ResourceBlacklist")
        if self.manifest.get(f"spec.{prefix}ResourceWhitelist") is None:
            allowed = namespaced
        else:
            allowed = _lists(permitted, group, kind, name)
        return allowed and not _lists(barred, group, kind, name)

    def __str__(self) -> str:
        return f"project {self.name}"


def _lists(entries: Iterable[Any], group: str, kind: str, name: str) -> bool:
    return any(
        _matches(str(entry.get("group") or ""), group)
        and _matches(str(entry.get("kind") or ""), kind)
        and _matches(str(entry.get("name") or "*"), name)
        for entry in entries
        if isinstance(entry, dict)
    )


def _matches(pattern: str, text: str, separator: str = "") -> bool:
    """Return whether a glob of Argo CD matches; `*` does not cross a separator, `**` does."""
    if pattern == "*":
        return True
    star = f"[^{re.escape(separator)}]*" if separator else ".*"
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    wild = {"**": ".*", "*": star, "?": "."}
    return re.fullmatch("".join(wild.get(part) or re.escape(part) for part in parts), text) is not None


def _plain_url(url: str) -> str:
    """Return an address as Argo CD compares it: lower case, without `.git` and a final slash."""
    return url.strip().lower().rstrip("/").removesuffix(".git")
