"""What each exit code means; the help and `docs/reference/exit-codes.md` are made from this."""

from __future__ import annotations

from modelyard.findings import ExitCode

MEANINGS = {
    ExitCode.CLEAN: "nothing stands in the way",
    ExitCode.FINDINGS: "findings at or above --fail-on, or conflicts to resolve",
    ExitCode.USAGE: "wrong usage, or it cannot run here (folder, git, required tool)",
    ExitCode.NOT_CHECKED: "something was not checked, with --strict; or nothing was",
    ExitCode.INTERNAL: "a fault of modelyard itself",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}


def table() -> str:
    """Return the exit codes as lines for the end of a help text."""
    lines = "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items())
    # The backspace keeps typer from flowing the lines into one paragraph.
    return f"\b\nExit codes:\n{lines}"
