"""Each verb of the command line, one module a verb."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from typing import NoReturn


def program() -> NoReturn:
    """Be the whole process: as `main`, and end without taking every object apart, which takes a tenth of a second."""
    try:
        main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0
    # What the interpreter does first when it ends: it lets pools stop and waits for threads.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # the reader left, or the stream is closed
    os._exit(code)


def main() -> NoReturn:
    """Run the command line with the process's arguments, and exit."""
    from modelyard.cli.boundary import guarded, prepare_signals, prepare_streams

    # Pydantic would search every installed package for plugins, of which this program wants none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # What a verb reads it keeps until it ends: looking for garbage after every 700 new objects finds nothing.
    gc.set_threshold(200_000, 20, 20)
    prepare_signals()
    prepare_streams()

    def command() -> int:
        from modelyard.cli.application import run

        return run(sys.argv[1:])

    raise SystemExit(guarded(command))
