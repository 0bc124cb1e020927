"""An environment tried on a real control plane that runs on this machine for as long as it takes."""

from modelyard.rehearsal.rehearse import Component, Rehearsal, Stage, rehearse
from modelyard.rehearsal.scheduling import Scheduled

__all__ = ["Component", "Rehearsal", "Scheduled", "Stage", "rehearse"]
