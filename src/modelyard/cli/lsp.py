"""`modelyard lsp`."""

from __future__ import annotations

import os
import sys

from modelyard.cli.boundary import verb
from modelyard.findings import UserError


@verb
def command() -> int:
    """Serve an editor by the Language Server Protocol, over standard input and output.

    The editor starts it: docs/editor.md has the configuration of some.
    """
    try:
        from modelyard.editor.server import server
    except ModuleNotFoundError as missing:
        if missing.name not in ("pygls", "lsprotocol"):
            raise
        raise UserError(
            "the language server needs pygls, which is not installed",
            fix="install modelyard with its extra: uv tool install 'modelyard[editor]'",
        ) from missing
    made = server()
    # The protocol alone speaks on standard output: whatever else is printed goes to the editor's log.
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb") as heard, os.fdopen(os.dup(sys.stdout.fileno()), "wb") as said:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        try:
            made.start_io(heard, said)
        finally:
            made.close()
    return 0
