"""Who names whom in one environment: one structure of typed edges with an address on both ends."""

from modelyard.cluster.graph.building import graph
from modelyard.cluster.graph.edges import Choice, Definition, Edge, End, Node, Reference, Selection, State
from modelyard.cluster.graph.index import Graph

__all__ = [
    "Choice",
    "Definition",
    "Edge",
    "End",
    "Graph",
    "Node",
    "Reference",
    "Selection",
    "State",
    "graph",
]
