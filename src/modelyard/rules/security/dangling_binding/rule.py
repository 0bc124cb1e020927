"""Bindings of roles that are not there, or to accounts that are not."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import ObjectRef, State, graph
from modelyard.rules import rule
from modelyard.rules.edges import is_of_chart
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment

_WHAT = {"gives": "grants", "gives to": "grants permissions to"}


@rule("security/dangling-binding", error, since="0.1.0", absence="object")
def dangling_binding(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A binding of a role, or to a ServiceAccount, that does not exist grants nothing; API calls get 403."""
    for relation, verb in _WHAT.items():
        for edge in graph(environment).of(relation):
            wanted, at = edge.wanted, edge.source.at
            if at is None or is_of_chart(environment, edge):
                continue  # what a chart's objects refer to is the chart's affair: its hooks make some of it
            binding = f"{edge.source.node.kind} {edge.source.node.name}"
            homes = _homes(environment, wanted) if edge.state is State.UNKNOWN else []
            if edge.state is State.UNKNOWN and _is_role(environment, wanted, edge.source.node.namespace):
                yield Finding(
                    at=at,
                    message=f"{binding} {verb} ClusterRole {wanted.name}, and there is a Role of that name in "
                    f"namespace {edge.source.node.namespace}",
                    fix="write kind: Role",
                )
                continue
            if homes:
                yield Finding(
                    at=at,
                    message=f"{binding} {verb} {wanted.kind} {wanted.name} of namespace {wanted.namespace}, but the "
                    f"environment has it in {one_of(homes)}",
                    fix=f"write namespace {homes[0]}",
                )
            elif edge.state is State.UNKNOWN and not wanted.name.startswith("system:") and wanted.name != "default":
                yield NotChecked(binding, edge.reason.replace("bring it", f"bring {wanted}"))
            elif edge.state is State.DANGLING:
                known = graph(environment).index.names(wanted.kind, wanted.namespace)
                where = f" in namespace {wanted.namespace}" if wanted.namespace else ""
                yield Finding(
                    at=at,
                    message=f"{binding} {verb} {wanted.kind} {wanted.name}, which does not exist{where}",
                    fix=f"name {nearest(wanted.name, known) or one_of(known)}",
                )


def _is_role(environment: Environment, wanted: ObjectRef, namespace: str) -> bool:
    """Return whether this repository has a Role of the name by which a ClusterRole is bound."""
    return wanted.kind == "ClusterRole" and any(
        each.name == wanted.name and environment.namespace_of(each) == namespace and environment.is_ours(each)
        for each in environment.of_kind("Role", "rbac.authorization.k8s.io")
    )


def _homes(environment: Environment, wanted: ObjectRef) -> list[str]:
    """Return the namespaces of this repository's accounts of a name, where the one that is named may hold anything."""
    if wanted.kind != "ServiceAccount" or wanted.name == "default":
        return []
    return sorted(
        environment.namespace_of(each)
        for each in environment.of_kind("ServiceAccount", "")
        if each.name == wanted.name and environment.is_ours(each)
    )
