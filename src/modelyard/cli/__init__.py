"""Each verb of the command line, one module a verb."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line with the process's arguments, and exit."""
    from modelyard.cli.boundary import guarded, prepare_signals, prepare_streams

    # Pydantic would search every installed package for plugins, of which this program wants none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # What a verb reads it keeps until it ends: looking for garbage after every 700 new objects finds nothing.
    gc.set_threshold(50_000, 20, 20)
    prepare_signals()
    prepare_streams()

    def command() -> int:
        from modelyard.cli.application import run

        return run(sys.argv[1:])

    raise SystemExit(guarded(command))
