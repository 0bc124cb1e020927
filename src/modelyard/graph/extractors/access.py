"""Roles and who is given them."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.graph.edges import Definition, ObjectRef, Reference
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import numbered, text

_OWN = "rbac.authorization.k8s.io"


@of((_OWN, "RoleBinding"), (_OWN, "ClusterRoleBinding"))
def bindings(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the role that a binding gives, and the service accounts that it gives it to."""
    role = manifest.mapping("roleRef")
    kind, name = text(role, "kind"), text(role, "name")
    if name:
        # Roles with a colon are Kubernetes' own, and controllers' that it starts.
        given = "Kubernetes" if name.startswith("system:") else context.elsewhere("") if kind == "ClusterRole" else ""
        node = ObjectRef(kind, name, context.namespace(manifest) if kind == "Role" else "")
        yield Reference("gives", context.end(manifest, ("roleRef", "name")), node, elsewhere=given)
    for index, subject in numbered(manifest.value, "subjects"):
        if text(subject, "kind") == "ServiceAccount":
            namespace = text(subject, "namespace") or context.namespace(manifest)
            node = ObjectRef("ServiceAccount", text(subject, "name"), namespace)
            default = node.name == "default"
            elsewhere = "Kubernetes" if default else ""
            yield Reference("gives to", context.end(manifest, ("subjects", index, "name")), node, elsewhere=elsewhere)
