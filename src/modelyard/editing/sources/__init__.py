"""Deployments of models as others write them, read into one record in which no field is forgotten."""

from modelyard.editing.sources.ledger import SAYS_NOTHING, FieldOutcome, Outcome, Verdict
from modelyard.editing.sources.reading import foreign
from modelyard.editing.sources.record import ExternalDeployment, Given
from modelyard.editing.sources.registry import sources

__all__ = ["SAYS_NOTHING", "ExternalDeployment", "FieldOutcome", "Given", "Outcome", "Verdict", "foreign", "sources"]
