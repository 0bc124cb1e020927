"""What a rule prints, as its page shows it: the finding of its first failing case, as `modelyard check` prints it."""

from __future__ import annotations

import io

from modelyard.findings import Report
from modelyard.reporting import Presentation, write
from modelyard.rules import Rule

_HEADING = "\n## Example\n"
_FENCE = "```text\n"
_WIDTH = 118


def printed(report: Report, rule: Rule) -> str:
    """Return the first finding of a rule as `check` prints it, without the line that names the page."""
    finding = next(each for each in report.findings if each.rule == rule.id)
    stream = io.StringIO()
    alone = Report(root=report.root, findings=[finding])
    write(alone, "text", stream, Presentation(quiet=True, width=_WIDTH))
    block, _, _ = stream.getvalue().rpartition("\n\n")
    return "".join(f"{line}\n" for line in block.splitlines() if not line.startswith("  modelyard explain "))


def shown(page: str) -> str:
    """Return the finding that a rule's page shows; empty where it shows none."""
    _, fence, after = _example(page).rpartition(_FENCE)
    return after.partition("```")[0] if fence else ""


def with_example(page: str, finding: str) -> str:
    """Return a rule's page that shows a finding as the last thing of its example."""
    example = _example(page)
    kept = example.rpartition(_FENCE)[0] if _FENCE in example else example.rstrip("\n") + "\n"
    block = f"{kept}{_FENCE}{finding}```\n"
    return page.replace(_HEADING + example, _HEADING + block + "\n", 1)


def _example(page: str) -> str:
    return page.partition(_HEADING)[2].partition("\n## ")[0] + "\n"
