"""Triggers that ask a server that is not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import State, graph
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment


@rule("autoscaling/unknown-metrics-server", error, since="0.1.0", absence="cluster")
def unknown_metrics_server(environment: Environment) -> Iterator[Finding | NotChecked]:
    """KEDA cannot query a metrics server that does not exist, and scales nothing."""
    namespaces = {each.namespace for each in environment.applications} - {""}
    for edge in graph(environment).of("asks"):
        wanted = edge.wanted
        if edge.source.at is None:
            continue
        if edge.state == State.UNKNOWN:
            yield NotChecked(edge.source.node, edge.reason.replace("bring it", f"bring {wanted.kind} {wanted.name}"))
        elif edge.state == State.DANGLING:
            near = nearest(wanted.namespace, namespaces) if wanted.namespace not in namespaces else ""
            known = graph(environment).index.names(wanted.kind, wanted.namespace)
            yield Finding(
                at=edge.source.at,
                message=f"{edge.source.node} queries {wanted.name} in namespace {wanted.namespace}"
                f"{' (' + wanted.part + ')' if wanted.part else ''}, which does not exist",
                fix=f"did you mean namespace {near}"
                if near
                else f"name {nearest(wanted.name, known) or one_of(known)}"
                if wanted.kind == "InterceptorRoute" and known
                else f"add the component that provides it, or use an existing {wanted.kind} and its namespace",
            )
