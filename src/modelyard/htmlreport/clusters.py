"""Applications by sync wave and references between objects, for the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from modelyard.graph import ObjectRef, State, Waves, graph
from modelyard.view import Application, Environment

_STATES = tuple(State)


def applications_content(view: Environment, shown: Collection[str]) -> list[dict[str, Any]]:
    """Return the Applications by sync wave, in the order in which Argo CD makes them.

    Args:
        view: The environment.
        shown: Applications to show.
    """
    waves: dict[int, list[Application]] = defaultdict(list)
    for each in view.applications:
        if each.name in shown:
            waves[Waves.number(each.manifest)].append(each)
    return [
        {
            "wave": number,
            "applications": [
                {
                    "name": each.name,
                    "is-model": each.is_model,
                    "project": each.project,
                    "namespace": each.namespace,
                    "target": each.target or "",
                    "resources": len(each.resources),
                    "unrendered": each.unrendered,
                }
                for each in waves[number]
            ],
        }
        for number in sorted(waves)
    ]


def references_content(view: Environment) -> dict[str, Any]:
    """Return the graph of references: objects, and edges between their positions.

    An edge is source, relation, target, state, reason and place; the states are listed beside them. An edge that leads
    to several objects is there once for each; what is optional and missing is not shown as missing.
    """
    positions: dict[ObjectRef, int] = {}
    edges: dict[tuple[int, str, int, int], list[Any]] = {}
    for edge in graph(view).edges:
        source = positions.setdefault(edge.source.node.whole, len(positions))
        missing_and_optional = edge.state == State.DANGLING and not edge.is_broken
        state = _STATES.index(State.UNKNOWN if missing_and_optional else edge.state)
        reason = "optional, and nothing here answers to it" if missing_and_optional else edge.reason
        for node in edge.reached:
            target = positions.setdefault(node, len(positions))
            at = edge.source.at
            place = str(at.place()) if at is not None else ""
            edges.setdefault(
                (source, edge.relation, target, state), [source, edge.relation, target, state, reason, place]
            )
    return {
        "states": [state.value for state in _STATES],
        "objects": [[node.kind, node.namespace, node.name] for node in positions],
        "edges": list(edges.values()),
    }
