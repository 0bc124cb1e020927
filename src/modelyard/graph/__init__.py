"""Who names whom in one environment: one structure of typed edges with an address on both ends."""

from modelyard.graph.building import graph
from modelyard.graph.edges import Choice, Definition, Edge, End, Lookup, ObjectRef, Reference, Selection, State
from modelyard.graph.index import Graph
from modelyard.graph.waves import IGNORED_HEALTH, Requirement, Waves

__all__ = [
    "IGNORED_HEALTH",
    "Choice",
    "Definition",
    "Edge",
    "End",
    "Graph",
    "Lookup",
    "ObjectRef",
    "Reference",
    "Requirement",
    "Selection",
    "State",
    "Waves",
    "graph",
]
