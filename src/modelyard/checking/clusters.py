"""Applications of several clusters, told apart by their destinations.

One Argo CD may fill many clusters. What is in one of them answers nothing in another, and two objects of one name in
two clusters do not meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from modelyard.checking.views import RenderPlan
from modelyard.findings import NotChecked
from modelyard.repository.layout import WHOLE
from modelyard.view import Manifest

IN_CLUSTER = "in-cluster"
_SERVER = "https://kubernetes.default.svc"


def cluster_of(application: Manifest) -> str:
    """Return the cluster that an Application fills: the name of its destination, else the host of its server."""
    name = str(application.get("spec.destination.name", ""))
    server = str(application.get("spec.destination.server", "")).rstrip("/")
    if name:
        return name
    if server in ("", _SERVER):
        return IN_CLUSTER
    return urlsplit(server).netloc or server


def by_cluster(made: RenderPlan, gaps: Sequence[NotChecked]) -> Iterator[tuple[RenderPlan, tuple[NotChecked, ...]]]:
    """Yield a plan of a repository's Applications for each cluster that they fill, with the gaps that are about it.

    Args:
        made: The plan; one of an environment's folder is for one cluster.
        gaps: What of it was not looked at.
    """
    clusters = {child.application.name: cluster_of(child.application) for child in made.children}
    names = sorted(set(clusters.values()), key=lambda each: (each != IN_CLUSTER, each))
    if made.folder.path != WHOLE or len(names) < 2:
        yield made, tuple(gaps)
        return
    for position, cluster in enumerate(names):
        name = made.folder.name if cluster == IN_CLUSTER else cluster
        children = tuple(each for each in made.children if clusters[each.application.name] == cluster)
        own = {each.application.name for each in children}
        part = replace(
            made,
            folder=replace(made.folder, name=name),
            # Projects hold for all; whatever else stands beside the Applications lies in the cluster of Argo CD.
            manifests=tuple(
                each
                for each in made.manifests
                if each.kind == "AppProject" or (each.name in own if each.kind == "Application" else not position)
            ),
            children=children,
            unread=made.unread if not position else (),
        )
        kept = (gap for gap in gaps if (gap.application in own if gap.application else not position))
        yield part, tuple(replace(gap, environment=name) for gap in kept)
