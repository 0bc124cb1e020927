"""An environment tried on a real control plane that runs on this machine for as long as it takes."""

from modelyard.rehearsal.absences import ABSENCES, Absence
from modelyard.rehearsal.cloud.mock_result import MockCloudResult
from modelyard.rehearsal.rehearse import Component, Rehearsal, Stage, rehearse
from modelyard.rehearsal.scheduling import Scheduled

__all__ = ["ABSENCES", "Absence", "Component", "MockCloudResult", "Rehearsal", "Scheduled", "Stage", "rehearse"]
