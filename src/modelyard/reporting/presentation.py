"""How a report is shown: what is asked of every format, apart from the report itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from modelyard.findings import Severity

SOURCE = "https://github.com/modelyard/modelyard"


class RuleDescription(Protocol):
    """What a format tells of a rule."""

    @property
    def name(self) -> str:
        """The rule's name, `area/name`."""
        ...

    @property
    def severity(self) -> Severity:
        """The severity of its findings unless one overrides it."""
        ...

    @property
    def summary(self) -> str:
        """One sentence: what it finds."""
        ...

    @property
    def page(self) -> str:
        """The rule's page in Markdown."""
        ...


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a report is shown.

    Attributes:
        colour: Text carries terminal colours.
        width: Columns of the terminal that text is wrapped to; None leaves lines whole, as `grep` wants them.
        ascii: Text avoids characters that the output cannot encode.
        quiet: Text leaves out the table of environments and the lists of gaps.
        fail_on: Severity from which findings fail the check.
        strict: Gaps fail the check.
        path_prefix: From the root of the Git checkout to the repository's root, `""` or `"folder/"`: hosts resolve the
            places of annotations against the checkout.
        rules: What is known of each rule by name; a finding's rule may be absent, as the team's own are.
    """

    colour: bool = False
    width: int | None = None
    ascii: bool = False
    quiet: bool = False
    fail_on: Severity = Severity.ERROR
    strict: bool = False
    path_prefix: str = ""
    rules: Mapping[str, RuleDescription] = field(default_factory=dict)


def rule_url(name: str) -> str:
    """Return the address of a rule's page."""
    return f"{SOURCE}/blob/main/src/modelyard/rules/{name.replace('-', '_')}/rule.md"
