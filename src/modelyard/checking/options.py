"""What a check is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Backend = Literal["library", "processes"]

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, what is done of it, and how much there is."""


def silent(stage: str, done: int, total: int) -> None:
    """Tell nobody how far a check is."""


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What to check, and how.

    Attributes:
        environments: Names; all when empty.
        applications: Names to report on; all when empty. Everything that they relate to is still read.
        use_cache: Whether renderings of earlier checks are used and kept.
        policies: Whether the repository's own policies run; None means only where the user said so outside of it.
        shard: Number of this part and of all parts, counted from 1.
        backend: `library` or `processes`; None takes the library renderer where it is installed.
        jobs: Processes at a time; the number of processors when None.
        kubernetes_version: `1.35` or `1.36`, instead of what the environments say.
        plans: Plans of Terraform as JSON, at most one for each environment.
        facts: Facts of the environments by name, such as `region`, over what their files say.
        select: Areas and rules that report; all when empty.
        ignore: Areas and rules that do not.
        baseline: File with the findings that are known; None for none.
        since: Revision whose findings are known; None for none.
    """

    environments: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    use_cache: bool = True
    policies: bool | None = None
    shard: tuple[int, int] | None = None
    backend: Backend | None = None
    jobs: int | None = None
    kubernetes_version: str | None = None
    plans: tuple[Path, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    baseline: Path | None = None
    since: str | None = None
