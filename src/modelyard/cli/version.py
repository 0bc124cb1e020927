"""`modelyard version`."""

from __future__ import annotations

import sys

import typer

from modelyard.cli.boundary import verb
from modelyard.cli.options import AsJson
from modelyard.findings import ExitCode


@verb
def command(
    as_json: AsJson = False,
) -> int:
    """Show the version of modelyard, of Python, and where it runs from."""
    import platform
    from pathlib import Path

    import modelyard

    facts = {
        "modelyard": modelyard.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system().lower()}-{platform.machine()}",
        "package": str(Path(modelyard.__file__).parent),
    }
    if as_json:
        from modelyard.reporting import json_text

        sys.stdout.write(json_text(facts))
    else:
        sys.stdout.write("modelyard {modelyard} (Python {python}, {platform})\n{package}\n".format(**facts))
    return ExitCode.CLEAN


def show(wanted: bool) -> None:
    """Print the version and exit, for `modelyard --version`."""
    if wanted:
        from modelyard import __version__

        sys.stdout.write(f"modelyard {__version__}\n")
        raise typer.Exit
