"""What `modelyard.yaml` decided, as a check left it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from modelyard.repository.addresses import FileAddress
from modelyard.repository.files import Files
from modelyard.repository.layout import SETTINGS


@dataclass(frozen=True, slots=True)
class Decision:
    """One waiver or accepted gap as a check left it.

    Attributes:
        what: The decision in words, such as `the waiver of fit/kv-cache-too-small`.
        expires: Last day on which it holds.
        today: The day of the check.
        used: Whether it covered something; None when only a part of the repository was checked.
        files: The repository's files.
        path: Where in `modelyard.yaml` it stands.
    """

    what: str
    expires: date
    today: date
    used: bool | None
    files: Files
    path: tuple[str | int, ...]

    @property
    def expired(self) -> bool:
        """Return whether its last day has passed."""
        return self.expires < self.today

    def at(self, *path: str | int) -> FileAddress:
        """Return the address of the decision or of a field of it."""
        return FileAddress(self.files, SETTINGS, (*self.path, *path))
