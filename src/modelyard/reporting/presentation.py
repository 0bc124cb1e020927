"""How a report is shown: what is asked of every format, apart from the report itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelyard.findings import Severity

if TYPE_CHECKING:
    from modelyard.rules import Rule

SOURCE = "https://github.com/modelyard/modelyard"


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
        rules: Rules by id; a finding's rule may be absent, as the team's own are.
        fold: How many findings of one rule text shows in full before it counts the rest; None shows all.
    """

    colour: bool = False
    width: int | None = None
    ascii: bool = False
    quiet: bool = False
    fail_on: Severity = Severity.ERROR
    strict: bool = False
    path_prefix: str = ""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    fold: int | None = None
