"""Heads of Ray clusters whose Redis is not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import State, graph
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment


@rule("serving/unknown-redis", error, since="0.1.0", absence="object")
def unknown_redis(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A Ray head that cannot reach the Redis for its state does not start."""
    for edge in graph(environment).of("keeps state in"):
        wanted = edge.wanted
        if edge.source.at is None:
            continue
        if edge.state == State.UNKNOWN:
            yield NotChecked(edge.source.node, edge.reason.replace("bring it", f"bring {wanted.whole}"))
        elif edge.state == State.DANGLING:
            near = nearest(wanted.name, graph(environment).index.names("Service", wanted.namespace))
            yield Finding(
                at=edge.source.at,
                message=f"the head of {edge.source.node} stores its state in {wanted}, which does not exist",
                fix=f"name {near}"
                if near
                else "use the Service of Redis, or the address of a Redis outside the cluster",
            )
