"""References that lead nowhere, as rules tell of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelyard.findings import Address, Finding, NotChecked
from modelyard.graph import Edge, State, graph
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, Manifest

MessageOf = Callable[[str, str, str], str]
"""Makes a message of who says it, the name that was said, and the namespace."""


def missing(
    environment: Environment, relation: str, kind: str, message: MessageOf, *, brings: str, fix: MessageOf | None = None
) -> Iterator[Finding | NotChecked]:
    """Yield a finding for each reference of pods to something of a kind that is not there.

    Args:
        environment: The environment.
        relation: The verb of the edges.
        kind: What is named.
        message: What is said of it.
        brings: What something that is not rendered may bring, in words.
        fix: What to do where nothing of the kind is there; a name that is there by default.
    """
    for edge in graph(environment).of(relation):
        wanted = edge.wanted
        if wanted.kind != kind or edge.reference.optional or edge.state not in (State.DANGLING, State.UNKNOWN):
            continue
        pods = f"the pods of {edge.source.node.kind} {edge.source.node.name}"
        if edge.state == State.UNKNOWN:
            yield NotChecked(pods, edge.reason.replace("bring it", f"bring {brings} {wanted.name}"))
            continue
        known = graph(environment).index.names(kind, wanted.namespace)
        near = f"name {nearest(wanted.name, known) or one_of(known)}"
        yield Finding(
            at=_place(edge),
            message=message(pods, wanted.name, wanted.namespace),
            fix=near if known or fix is None else fix(pods, wanted.name, wanted.namespace),
        )


def is_of_chart(environment: Environment, edge: Edge) -> bool:
    """Return whether what names the other end is a resource that a chart renders."""
    return isinstance(edge.source.holder, Manifest) and not environment.is_ours(edge.source.holder)


def _place(edge: Edge) -> Address:
    at = edge.source.at
    if at is None:
        raise ValueError(f"{edge} is said nowhere")
    return at
