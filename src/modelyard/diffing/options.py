"""What a comparison is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelyard.checking import CheckOptions


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What to compare, and how.

    Attributes:
        environments: Names; every one that the change reaches when empty.
        findings: Whether findings of both sides are compared as well, for which the environments are read whole.
        policies: Whether the repository's own policies, which are code, are among the rules then.
        use_cache: Whether renderings are taken from the cache and kept there.
        jobs: Processes at a time; the number of processors when None.
    """

    environments: tuple[str, ...] = ()
    findings: bool = False
    policies: bool = False
    use_cache: bool = True
    jobs: int | None = None

    def of_check(self, environments: tuple[str, ...]) -> CheckOptions:
        """Return the options with which the given environments of one side are read."""
        from modelyard.checking import CheckOptions

        return CheckOptions(environments, use_cache=self.use_cache, jobs=self.jobs, policies=self.policies)
