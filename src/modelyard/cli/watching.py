"""`modelyard check --watch`: once more whenever a file changed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from modelyard.cli.boundary import guarded
from modelyard.cli.terminal import show
from modelyard.findings import ExitCode
from modelyard.reporting import visible
from modelyard.tooling.stamps import Stamp, stamps
from modelyard.wording import join_and

_SHORTEST = 0.3
_SETTLED = 0.15
_SHARE = 0.03
"""Part of the time that is spent on looking, at most."""
_NAMED = 3


def watched(root: Path, check: Callable[[], int], sleep: Callable[[float], None] = time.sleep) -> int:
    """Check, and check again after each change below a folder, until somebody interrupts.

    A refusal, such as a file that is not YAML while somebody types, is told and ends nothing.

    Args:
        root: The folder.
        check: Checks and tells what is found.
        sleep: Waits for some seconds.

    Returns:
        The exit code of an interruption; there is no other end.
    """
    while True:
        before = dict(stamps(root))
        if guarded(check) == ExitCode.INTERRUPTED:
            return ExitCode.INTERRUPTED
        show([[("watching for changes; Ctrl-C ends", "faint")]])
        sys.stdout.flush()
        changed = _next_change(root, before, sleep)
        show([[], [(f"changed: {visible(join_and(changed, most=_NAMED))}", "strong")]])


def _next_change(root: Path, before: Mapping[str, Stamp], sleep: Callable[[float], None]) -> list[str]:
    """Return the files that changed, when one did and nothing changes any more."""
    while True:
        started = time.monotonic()
        now = dict(stamps(root))
        took = time.monotonic() - started
        if now == before:
            sleep(max(_SHORTEST, took / _SHARE))
            continue
        while True:
            sleep(_SETTLED)
            later = dict(stamps(root))
            if later == now:
                break
            now = later
        if now != before:  # an editor's own file came and went
            return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
