"""Results of load tests: reading what each client kept of its requests, and one report of all clients together."""

from modelyard.loadtests.clients import ClientResult, UnreadableResult, client_result
from modelyard.loadtests.report import CURVE, SCHEMA_VERSION, LoadReport, Objective, Percentiles, merged

__all__ = [
    "CURVE",
    "SCHEMA_VERSION",
    "ClientResult",
    "LoadReport",
    "Objective",
    "Percentiles",
    "UnreadableResult",
    "client_result",
    "merged",
]
