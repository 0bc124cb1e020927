"""Who names whom in one environment: one structure of typed edges with an address on both ends."""

from modelyard.view.graph.building import graph
from modelyard.view.graph.edges import Choice, Definition, Edge, End, ObjectRef, Reference, Selection, State
from modelyard.view.graph.index import Graph

__all__ = [
    "Choice",
    "Definition",
    "Edge",
    "End",
    "Graph",
    "ObjectRef",
    "Reference",
    "Selection",
    "State",
    "graph",
]
