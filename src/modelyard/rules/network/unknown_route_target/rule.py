"""Routes from or to what is not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import State, graph
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment

_KINDS = ("Ingress", "HTTPRoute", "GRPCRoute", "TCPRoute", "InterceptorRoute")


@rule("network/unknown-route-target", error, since="0.1.0", absence="object")
def unknown_route_target(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A route without its Gateway gets no traffic; a route without its Service returns 500 for every request."""
    for relation in ("attaches to", "routes to"):
        for edge in graph(environment).of(relation):
            wanted = edge.wanted
            if edge.source.node.kind not in _KINDS or edge.source.at is None:
                continue
            if edge.state == State.UNKNOWN:
                yield NotChecked(edge.source.node, edge.reason.replace("bring it", f"bring {wanted}"))
            elif edge.state == State.DANGLING:
                names = graph(environment).index.names(wanted.kind, wanted.namespace)
                there = wanted.part and wanted.name in names
                missing = f"{wanted.part} of {wanted.whole}" if there else str(wanted.whole)
                yield Finding(
                    at=edge.source.at,
                    message=f"{edge.source.node} {relation} {missing}, which does not exist",
                    fix="correct the port or listener"
                    if there
                    else f"name {nearest(wanted.name, names) or one_of(names)}"
                    if names
                    else f"add the {wanted.kind}, or use one of another namespace",
                )
