"""Load tests that were kept, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelyard.planning import Run, Way
    from modelyard.reporting import Line


def runs_lines(path: str, runs: Sequence[Run], way: Way, left_out: Sequence[str], *, dry_run: bool) -> list[Line]:
    """Return what was kept as lines of text: measured beside estimated."""
    from modelyard.planning import correction
    from modelyard.reporting import visible
    from modelyard.wording import counted

    ending = " (dry run: nothing is written)" if dry_run else ""
    count = counted(len(runs), "run")
    lines: list[Line] = [[(visible(f"{count} kept in {path}{ending}"), "strong")]]
    for run in runs:
        told = []
        for metric, value, what in (("ttft", run.ttft_ms, "to the first token"), ("itl", run.itl_ms, "between tokens")):
            found = correction(metric, run, way.machine)
            beside = "" if found is None else f" ({exp(found.error):.2f} times the estimate)"
            told.append(f"{value:.4g} ms {what}{beside}")
        text = f"  {run.file}: {run.requests:.3g} requests at once of {run.prompt:.0f} + {run.output:.0f} tokens: "
        lines.append([(visible(text + ", ".join(told)), "plain")])
    return [*lines, *([(visible(f"  {each}"), "plain")] for each in left_out)]


def runs_content(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return runs as JSON says them."""
    from dataclasses import asdict

    return [{name.replace("_", "-"): value for name, value in asdict(run).items()} for run in runs]
