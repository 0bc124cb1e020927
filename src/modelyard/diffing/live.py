"""Argo CD's Applications as a cluster holds them: what each runs, and what Argo CD says of it.

Fields are those of `argoproj.io/v1alpha1` in Argo CD's `pkg/apis/application/v1alpha1/types.go`. What is not there, or
is not of the type that it should be, is taken as not said: files come from clusters of any version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from modelyard.findings import UserError

IN_CLUSTER = "in-cluster"
_SERVER = "https://kubernetes.default.svc"
_PATHS = "argocd.argoproj.io/manifest-generate-paths"
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class LiveSource:
    """Where an Application's manifests come from, and the commit or version of it that Argo CD compared last.

    Attributes:
        repository: Address of a Git repository, a chart repository or a registry.
        path: Folder in the Git repository.
        chart: Name of the chart; empty for a folder.
        target: Branch, tag, commit or version that is followed; empty for the default branch.
        revision: Commit, or version of the chart; empty where Argo CD has not said it.
    """

    repository: str
    path: str
    chart: str
    target: str
    revision: str


@dataclass(frozen=True, slots=True)
class LiveApplication:
    """An Application as a cluster holds it.

    Attributes:
        name: Its name.
        namespace: Its own namespace.
        project: Its project.
        cluster: The cluster that it fills: name of the destination, else its host; `in-cluster` for Argo CD's own.
        sources: Its sources.
        generate_paths: Folders that its manifests depend on, as it is annotated; empty where it is not.
        status: What Argo CD says.
        automated: Whether Argo CD syncs by itself.
    """

    name: str
    namespace: str
    project: str
    cluster: str
    sources: tuple[LiveSource, ...]
    generate_paths: tuple[str, ...]
    status: Mapping[str, Any]
    automated: bool


def live_applications(content: Any, name: str) -> tuple[LiveApplication, ...]:
    """Return the Applications of a list, in order of name.

    Args:
        content: Values of the JSON that `kubectl get applications -A -o json` or `argocd app list -o json` wrote.
        name: Its file, for messages.

    Raises:
        UserError: It is none of these.
    """
    entries = content if isinstance(content, list) else None
    if isinstance(content, Mapping):
        listed = content.get("items")
        entries = listed if isinstance(listed, list) else [content]
        if listed is None and content.get("kind") != "Application" and str(content.get("kind", "")).endswith("List"):
            entries = []  # `kubectl` and `argocd` write null for nothing
    found = [each for each in entries or () if isinstance(each, Mapping) and _is_application(each)]
    if entries is None or len(found) != len(entries):
        raise UserError(
            f"{name} holds something else than Argo CD's Applications",
            fix="give what `kubectl get applications.argoproj.io -A -o json` or `argocd app list -o json` wrote",
        )
    return tuple(sorted(map(_application, found), key=lambda each: (each.name, each.namespace)))


def text(holder: object, *path: str) -> str:
    """Return the text at a path of mappings, without its line ends and cut where it is very long; empty for none."""
    value = below(holder, *path)
    return " ".join(value.split())[:_LONGEST] if isinstance(value, str) else ""


def below(holder: object, *path: str) -> Any:
    """Return the value at a path of mappings; None where there is none."""
    for step in path:
        holder = holder.get(step) if isinstance(holder, Mapping) else None
    return holder


def listed(holder: object, *path: str) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings in the list at a path."""
    value = below(holder, *path)
    yield from (each for each in (value if isinstance(value, list) else ()) if isinstance(each, Mapping))


def moment(holder: object, *path: str) -> datetime | None:
    """Return the time at a path; None where there is none, or it is no time with a zone."""
    try:
        found = datetime.fromisoformat(text(holder, *path))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _is_application(entry: Mapping[str, Any]) -> bool:
    # `argocd app list` writes neither kind nor version.
    kind, version = entry.get("kind"), entry.get("apiVersion")
    return (
        kind in (None, "", "Application")
        and (not version or str(version).startswith("argoproj.io/"))
        and bool(text(entry, "metadata", "name"))
        and isinstance(entry.get("spec"), Mapping)
    )


def _application(entry: Mapping[str, Any]) -> LiveApplication:
    status = below(entry, "status")
    status = status if isinstance(status, Mapping) else {}
    annotated = text(entry, "metadata", "annotations", _PATHS)
    automated = below(entry, "spec", "syncPolicy", "automated")
    return LiveApplication(
        name=text(entry, "metadata", "name"),
        namespace=text(entry, "metadata", "namespace"),
        project=text(entry, "spec", "project"),
        cluster=_cluster(entry),
        sources=tuple(_sources(entry, status)),
        generate_paths=tuple(each.strip() for each in annotated.split(";") if each.strip()),
        status=status,
        automated=isinstance(automated, Mapping) and automated.get("enabled") is not False,
    )


def _cluster(entry: Mapping[str, Any]) -> str:
    name, server = text(entry, "spec", "destination", "name"), text(entry, "spec", "destination", "server").rstrip("/")
    if name:
        return name
    return IN_CLUSTER if server in ("", _SERVER) else urlsplit(server).netloc or server


def _sources(entry: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[LiveSource]:
    several = list(listed(entry, "spec", "sources"))
    one = below(entry, "spec", "source")
    revisions = below(status, "sync", "revisions")
    known = revisions if several and isinstance(revisions, list) else [below(status, "sync", "revision")]
    for position, source in enumerate(several or ([one] if isinstance(one, Mapping) else [])):
        revision = known[position] if position < len(known) else ""
        yield LiveSource(
            text(source, "repoURL"),
            text(source, "path").strip("/"),
            text(source, "chart"),
            text(source, "targetRevision"),
            revision if isinstance(revision, str) else "",
        )
