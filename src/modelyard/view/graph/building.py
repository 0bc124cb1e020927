"""Making the graph of an environment in one pass over its resources."""

from __future__ import annotations

from modelyard.view.environment import Environment
from modelyard.view.graph.edges import Definition, End, ObjectRef, Reference
from modelyard.view.graph.extractors import Context, extracting, outside
from modelyard.view.graph.index import Graph, Index, shadowed

# What every cluster has and no manifest shows.
_GIVEN = (
    ObjectRef("PriorityClass", "system-cluster-critical"),
    ObjectRef("PriorityClass", "system-node-critical"),
    ObjectRef("ClusterRole", "admin"),
    ObjectRef("ClusterRole", "cluster-admin"),
    ObjectRef("ClusterRole", "edit"),
    ObjectRef("ClusterRole", "view"),
    ObjectRef("AppProject", "default", "argocd"),
    ObjectRef("Namespace", "default"),
    ObjectRef("Namespace", "kube-system"),
)


def graph(environment: Environment) -> Graph:
    """Return the graph of an environment: every resource is looked at once, and then each reference is followed."""
    context = Context(environment)
    index = Index(context.elsewhere)
    references: list[Reference] = []
    for node in _GIVEN:
        index.add(Definition(End(node)))
    for manifest in environment.resources:
        index.add(Definition(End(context.node(manifest), manifest, ("metadata", "name"))))
        for extractor in extracting(manifest):
            for said in extractor(manifest, context):
                if isinstance(said, Definition):
                    index.add(said)
                else:
                    references.append(said)
    for said in outside(environment, context):
        if isinstance(said, Definition):
            index.add(said)
        else:
            references.append(said)
    return Graph(tuple(shadowed([index.edge(each) for each in references])), index)
