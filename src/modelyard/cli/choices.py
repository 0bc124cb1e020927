"""What an option takes one of, so that help lists it, the shell offers it and another word is refused by name."""

from __future__ import annotations

from enum import StrEnum

from modelyard.findings import Severity


class FailOn(StrEnum):
    """The least severity that fails a command."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def severity(self) -> Severity:
        """The severity of that name."""
        return Severity[self.name]


class BackendName(StrEnum):
    """What renders targets: the renderer's library, or kustomize and kubeconform as processes."""

    LIBRARY = "library"
    PROCESSES = "processes"


class GraphFormat(StrEnum):
    """How a graph is drawn."""

    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"


class RehearsalLevel(StrEnum):
    """How far a rehearsal goes."""

    SCHEMA = "schema"
    SCHEDULE = "schedule"
    SYNC = "sync"
    CLOUD = "cloud"
