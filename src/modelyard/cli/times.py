"""`modelyard times`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from modelyard.cli.boundary import verb
from modelyard.cli.options import AsJson, Folder, Models, environment_option
from modelyard.findings import ExitCode, UserError

if TYPE_CHECKING:
    from modelyard.reporting import Line
    from modelyard.view.times import Phase, TimeLimit, TimeTable

_PHASES: dict[Phase, str] = {
    "rollout": "rollout: from the change in Git to the first answer",
    "start": "start: from the engine's container to its first answer",
    "answer": "answer: from a request to its last token",
    "end": "end: from a pod's deletion to its end",
}
_TIME, _NAME, _SOURCE = 10, 64, 34


@verb
def command(
    path: Folder = Path(),
    environment: Annotated[list[str] | None, environment_option("This environment only; may be repeated.")] = None,
    model: Models = None,
    as_json: AsJson = False,
) -> int:
    """Say what a start, an answer and an end of each model take, and who gives up on them, the smallest limit first.

    Every limit is shown with where it is set, or whose default it is. Rules of `modelyard check` compare them.
    """
    from modelyard.cli.terminal import show
    from modelyard.cli.views import views
    from modelyard.view.times import time_table

    _, found, gaps = views(path, environment or [])
    tables = [
        (view.name, time_table(view, each)) for view in found for each in view.models if not model or each.name in model
    ]
    missing = sorted(set(model or ()) - {table.model.name for _, table in tables})
    if missing:
        known = ", ".join(sorted({each.name for view in found for each in view.models})) or "none"
        raise UserError(f"there is no model {missing[0]} here", fix=f"models are {known}")
    unread = [f"{gap.environment}: {gap.subject}, {gap.reason}" for gap in gaps]
    if as_json:
        content = {"models": [_content(name, table) for name, table in tables], "not-checked": unread}
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
        return ExitCode.CLEAN
    lines: list[Line] = [line for name, table in tables for line in _lines(name, table)]
    show([*lines, *([(f"not checked: {each}", "faint")] for each in unread)])
    return ExitCode.CLEAN


def _content(environment: str, table: TimeTable) -> dict[str, Any]:
    return {
        "environment": environment,
        "model": table.model.name,
        "needed-seconds": {phase: table.needed(phase) for phase in _PHASES if table.needs(phase)},
        "times": [
            {
                "phase": row.phase,
                "name": row.name,
                "seconds": row.seconds,
                "kind": "need" if row.need else "limit",
                "counts-silence-only": row.silence,
                "source": row.source,
                "at": _place(row),
            }
            for row in table.rows
        ],
    }


def _lines(environment: str, table: TimeTable) -> Iterator[Line]:
    from modelyard.reporting import visible

    yield [(visible(f"{table.model.name} in {environment}"), "strong")]
    for phase, title in _PHASES.items():
        needs, limits = table.needs(phase), table.limits(phase)
        if not needs and not limits:
            continue
        yield [(f"  {title}", "plain")]
        for row in needs:
            yield _row("takes", row)
        # Pods of a group end at the same time, each with a grace period of its own.
        needed = None if any(": " in row.name for row in needs) else table.needed(phase)
        if (len(needs) > 1 or phase == "rollout") and (phase != "end" or needed is not None):
            total = "not known" if needed is None else f"{needed:.0f} s"
            yield [(f"    takes    {total:>{_TIME}}  together{', the start too' * (phase == 'rollout')}", "strong")]
        for row in limits:
            short = not row.silence and row.seconds is not None and needed is not None and row.seconds < needed
            yield _row("ends at", row, "error" if short else "plain")
    yield []


def _row(verb: str, row: TimeLimit, style: str = "plain") -> Line:
    from modelyard.reporting import visible

    known = "not known" if row.need and row.seconds is None else row.told
    words = visible(row.name).ljust(_NAME)
    return [
        (f"    {verb:<9}{known:>{_TIME}}  ", style),
        (words, "plain"),
        (f" {row.source:<{_SOURCE}} {_place(row) or ''}".rstrip(), "faint"),
    ]


def _place(row: TimeLimit) -> str | None:
    if row.at is None:
        return None
    place = row.at.place()
    return f"{place.file}:{place.line}" if getattr(place, "line", None) else place.file
