"""Roles and who is given them."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.cluster.graph.edges import Definition, Node, Reference
from modelyard.cluster.graph.extractors.context import Context
from modelyard.cluster.graph.extractors.registry import of
from modelyard.cluster.shapes import numbered, text
from modelyard.cluster.things import Thing

_OWN = "rbac.authorization.k8s.io"


@of((_OWN, "RoleBinding"), (_OWN, "ClusterRoleBinding"))
def bindings(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the role that a binding gives, and the service accounts that it gives it to."""
    role = thing.mapping("roleRef")
    kind, name = text(role, "kind"), text(role, "name")
    if name:
        # Roles with a colon are Kubernetes' own, and controllers' that it starts.
        given = "Kubernetes" if name.startswith("system:") else context.elsewhere("") if kind == "ClusterRole" else ""
        node = Node(kind, name, context.namespace(thing) if kind == "Role" else "")
        yield Reference("gives", context.end(thing, ("roleRef", "name")), node, elsewhere=given)
    for index, subject in numbered(thing.value, "subjects"):
        if text(subject, "kind") == "ServiceAccount":
            namespace = text(subject, "namespace") or context.namespace(thing)
            node = Node("ServiceAccount", text(subject, "name"), namespace)
            default = node.name == "default"
            elsewhere = "Kubernetes" if default else ""
            yield Reference("gives to", context.end(thing, ("subjects", index, "name")), node, elsewhere=elsewhere)
