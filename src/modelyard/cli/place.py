"""`modelyard place`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from modelyard.cli.boundary import abandon_standard_output, verb
from modelyard.cli.options import (
    AsJson,
    Folder,
    StrictlyChecked,
    application_option,
    environment_option,
)
from modelyard.findings import ExitCode

if TYPE_CHECKING:
    from modelyard.cli.placed import Placed
    from modelyard.findings import NotChecked


@verb
def command(
    path: Folder = Path(),
    environment: Annotated[
        list[str] | None,
        environment_option("Look at this environment only; may be repeated."),
    ] = None,
    application: Annotated[
        list[str] | None,
        application_option("Show this Application only; may be repeated."),
    ] = None,
    strict: StrictlyChecked = False,
    as_json: AsJson = False,
) -> int:
    """Show which nodes can take the pods: pools in Karpenter's order, instance types by price, zones."""
    from modelyard.cli.placed import placed
    from modelyard.cli.views import views

    _, seen, gaps = views(path, environment or ())
    found = [placed(view, application or ()) for view in seen]
    try:
        _show(found, gaps, as_json=as_json)
    except BrokenPipeError:
        abandon_standard_output()  # the reader left, but the verdict stands
    if any(each.refused for each in found):
        return ExitCode.FINDINGS
    if strict and (gaps or any(each.unknown for each in found)):
        return ExitCode.NOT_CHECKED
    return ExitCode.CLEAN


def _show(found: list[Placed], gaps: list[NotChecked], *, as_json: bool) -> None:
    if as_json:
        from modelyard.cli.placed import as_mapping
        from modelyard.reporting import json_text

        content = {
            "version": 1,
            "environments": [as_mapping(each) for each in found],
            "not-checked": [{"subject": str(gap.subject), "reason": gap.reason} for gap in gaps],
        }
        sys.stdout.write(json_text(content))
        return
    from modelyard.cli.placed import lines
    from modelyard.cli.terminal import look_of, show
    from modelyard.reporting import wrapped

    width = look_of(sys.stdout).width
    show([line for each in found for line in lines(each, width)])
    for gap in gaps:
        fix = f"; {gap.fix}" if gap.fix else ""
        text = f"{gap.subject} ({gap.reason}{fix})"
        show(list(wrapped([("not checked: ", "gap")], text, "plain", width=width, indent=13)))
