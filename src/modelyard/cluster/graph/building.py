"""Making the graph of an environment in one pass over its resources."""

from __future__ import annotations

from modelyard.cluster.environment import Environment
from modelyard.cluster.graph.edges import Definition, End, Node, Reference
from modelyard.cluster.graph.extractors import Context, extracting, outside
from modelyard.cluster.graph.index import Graph, Index, shadowed

# What every cluster has and no manifest shows.
_GIVEN = (
    Node("PriorityClass", "system-cluster-critical"),
    Node("PriorityClass", "system-node-critical"),
    Node("ClusterRole", "admin"),
    Node("ClusterRole", "cluster-admin"),
    Node("ClusterRole", "edit"),
    Node("ClusterRole", "view"),
    Node("AppProject", "default", "argocd"),
    Node("Namespace", "default"),
    Node("Namespace", "kube-system"),
)


def graph(environment: Environment) -> Graph:
    """Return the graph of an environment: every resource is looked at once, and then each reference is followed."""
    context = Context(environment)
    index = Index(context.elsewhere)
    references: list[Reference] = []
    for node in _GIVEN:
        index.add(Definition(End(node)))
    for thing in environment.resources:
        index.add(Definition(End(context.node(thing), thing, ("metadata", "name"))))
        for extractor in extracting(thing):
            for said in extractor(thing, context):
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
