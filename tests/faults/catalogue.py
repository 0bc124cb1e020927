"""The mistakes as reviewed data: what each changes, and what a check should say.

One file per area under `faults/`. An entry holds either

- `repository` (a base repository), `fault` (edits as tests/repositories/edits.py reads them), `expect` (a rule's id,
  the file that its finding is in, and a text of the line), and `twin`: edits that look alike and are correct; or
- `not-yet`: what the template or the checker lacks before the mistake can be made here; or
- `excluded`: why it is none in a repository that the template makes.

An expectation is what a reader of the mistake wants to be told, whether or not a rule says so today.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
FAULTS = HERE / "faults"
RATCHET = HERE / "ratchet.yaml"
NOTICED = HERE / "noticed.yaml"
BENIGN = HERE / "benign.yaml"


@dataclass(frozen=True)
class Expectation:
    """What should be said of a mistake.

    Attributes:
        rule: The rule's id; one that no rule has yet says that nothing looks for the mistake.
        at: The file, relative to the repository; empty when any will do.
        line: A text of the line that is pointed at; empty when any line will do.
    """

    rule: str
    at: str = ""
    line: str = ""


@dataclass(frozen=True)
class Fault:
    """One mistake.

    Attributes:
        id: Its name.
        area: What it is about; the name of its file.
        mistake: The mistake in words.
        severity: `breaks`, `degrades`, `costs` or `security`.
        source: Where somebody made it in public; empty for common knowledge.
        repository: The base repository that it is tried on.
        fault: The edits that make it.
        twin: Edits that look alike and are correct.
        expect: What should be said of it; None for a mistake that cannot be tried.
        not_yet: What is lacking before it can be tried.
        excluded: Why it is none here.
    """

    id: str
    area: str
    mistake: str
    severity: str
    source: str = ""
    repository: str = ""
    fault: dict[str, Any] = field(default_factory=dict)
    twin: dict[str, Any] = field(default_factory=dict)
    expect: Expectation | None = None
    not_yet: str = ""
    excluded: str = ""

    @property
    def is_tried(self) -> bool:
        """Whether it can be made in a base repository of today."""
        return self.expect is not None


@cache
def faults() -> tuple[Fault, ...]:
    """Return every mistake, in order of area.

    Raises:
        TypeError: An entry has a field that is not known, or lacks one.
    """
    return tuple(
        _fault(path.stem, entry) for path in sorted(FAULTS.glob("*.yaml")) for entry in yaml.safe_load(path.read_text())
    )


def _fault(area: str, entry: dict[str, Any]) -> Fault:
    named = {key.replace("-", "_"): value for key, value in entry.items()}
    if "expect" in named:
        named["expect"] = Expectation(**named["expect"])
    return Fault(area=area, **named)


@cache
def ratchet() -> dict[str, str]:
    """Return the outcome of each mistake as it was last accepted."""
    found: dict[str, str] = yaml.safe_load(RATCHET.read_text())
    return found


@cache
def noticed() -> dict[str, list[str]]:
    """Return the bare tools that noticed each mistake when they were last run on it; those not run on are not there."""
    found: dict[str, list[str]] = yaml.safe_load(NOTICED.read_text())
    return found


@cache
def benign_edits() -> tuple[dict[str, Any], ...]:
    """Return the edits that no check may object to."""
    return tuple(yaml.safe_load(BENIGN.read_text()))
