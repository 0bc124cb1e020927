"""An environment tried on a real control plane that runs on this machine for as long as it takes."""

from modelyard.rehearsal.rehearse import Component, Rehearsal, Stage, rehearse_schema

__all__ = ["Component", "Rehearsal", "Stage", "rehearse_schema"]
