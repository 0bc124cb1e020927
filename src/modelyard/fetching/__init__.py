"""Filling the locked caches of charts and CRDs: the only room that uses the network."""

from modelyard.fetching.fetch import Action, Fetched, Progress, fetch
from modelyard.fetching.model_configs import hub_config
from modelyard.fetching.references import ChartReference, References, references
from modelyard.fetching.transport import FetchFailed

__all__ = [
    "Action",
    "ChartReference",
    "FetchFailed",
    "Fetched",
    "Progress",
    "References",
    "fetch",
    "hub_config",
    "references",
]
