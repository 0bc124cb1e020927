"""Making the graph of an environment in one pass over its resources."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.graph.edges import Definition, End, ObjectRef, Reference
from modelyard.graph.extractors import Context, extracting, outside
from modelyard.graph.index import Graph, Index, shadowed
from modelyard.repository import derived
from modelyard.view.environment import Environment

# What every cluster has and no manifest shows.
_GIVEN = (
    ObjectRef("PriorityClass", "system-cluster-critical"),
    ObjectRef("PriorityClass", "system-node-critical"),
    ObjectRef("ClusterRole", "admin"),
    ObjectRef("ClusterRole", "cluster-admin"),
    ObjectRef("ClusterRole", "edit"),
    ObjectRef("ClusterRole", "view"),
    # The one of its Roles without a colon, by plugin/pkg/auth/authorizer/rbac/bootstrappolicy/namespace_policy.go.
    ObjectRef("Role", "extension-apiserver-authentication-reader", "kube-system"),
    ObjectRef("AppProject", "default", "argocd"),
    ObjectRef("Namespace", "default"),
    ObjectRef("Namespace", "kube-system"),
)


@derived
def graph(environment: Environment) -> Graph:
    """Return who names whom: every resource is looked at once, and then each reference is followed."""
    context = Context(environment)
    index = Index(context.elsewhere)
    references: list[Reference] = []
    for said in _said(environment, context):
        if isinstance(said, Definition):
            index.add(said)
        else:
            references.append(said)
    return Graph(tuple(shadowed([index.edge(each) for each in references])), index)


def _said(environment: Environment, context: Context) -> Iterator[Definition | Reference]:
    """Yield what defines something, and what names something, in the order of the resources."""
    for node in _GIVEN:
        yield Definition(End(node))
    for manifest in environment.resources:
        yield Definition(End(context.node(manifest), manifest, ("metadata", "name")))
        for extract in extracting(manifest):
            yield from extract(manifest, context)
    yield from outside(environment, context)
