"""Each verb of the command line, one module a verb."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line with the process's arguments, and exit."""
    from modelyard.cli.boundary import guarded, prepare_signals, prepare_streams

    prepare_signals()
    prepare_streams()

    def command() -> int:
        from modelyard.cli.application import run

        return run(sys.argv[1:])

    raise SystemExit(guarded(command))
