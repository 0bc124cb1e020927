"""The one place where an exception becomes a message and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import ParamSpec

from modelyard.findings import ExitCode, Severity, UserError

ISSUES = "https://github.com/modelyard/modelyard/issues"
TRACEBACK = "--traceback"

_Parameters = ParamSpec("_Parameters")


def verb(function: Callable[_Parameters, int]) -> Callable[_Parameters, None]:
    """Make a function that returns an exit code a command: what it raises is told, and its exit code is used."""

    @wraps(function)
    def command(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        raise SystemExit(guarded(lambda: function(*args, **kwargs)))

    return command


def guarded(command: Callable[[], int]) -> int:
    """Run `command` and return the exit code, whatever happens in it; no exception leaves this function."""
    try:
        code = command()
        sys.stdout.flush()
        return code
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else ExitCode.CLEAN
    except UserError as error:
        _tell(_refusal_lines(error))
        return error.exit_code
    except KeyboardInterrupt:
        # A second Ctrl-C while the interpreter winds down would print a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _tell(["interrupted"])
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        abandon_standard_output()
        return ExitCode.CLEAN
    except Exception as fault:
        _tell(_crash_lines(fault))
        return ExitCode.INTERNAL


def prepare_signals() -> None:
    """Let a process that is asked to end, as a cancelled CI job is, end its own processes and remove its own files."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)


def prepare_streams() -> None:
    """Make writing safe: no stream is missing, and no character that a stream cannot encode is fatal."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller, as in `modelyard check >&-`
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for as long as we run
        elif mode == "w":
            stream.reconfigure(errors="backslashreplace")


def abandon_standard_output() -> None:
    """Let go of a pipe whose reader left, as `head` does, lest the interpreter fails when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(lines: list[str]) -> None:
    try:
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()
    except OSError:
        return  # nobody is listening; the exit code still tells


def _refusal_lines(error: UserError) -> list[str]:
    from modelyard.cli.terminal import look_of
    from modelyard.reporting import Line, drawn, excerpt, visible, wrapped

    look = look_of(sys.stderr)
    place = None if error.at is None else error.at.place()
    lead: Line = [("error:", "error"), (" ", "plain")]
    message = error.message
    if place is not None:
        lead = [(f"{visible(str(place))}: ", "strong"), *lead]
        message = message.removeprefix(f"{place.file}: ")
    lines = list(wrapped(lead, visible(message), "plain", width=look.width, indent=2))
    if place is not None:
        lines += excerpt(place, Severity.ERROR, (), look.width)
    if error.fix:
        fix: Line = [("  ", "plain"), ("fix:", "fix"), (" ", "plain")]
        lines += wrapped(fix, visible(error.fix), "plain", width=look.width, indent=7)
    return [line.rstrip("\n") for line in drawn(lines, colour=look.colour, ascii=look.ascii)]


def _crash_lines(fault: Exception) -> list[str]:
    from modelyard.reporting import visible

    details = "".join(traceback.format_exception(fault))
    summary = visible(f"{type(fault).__name__}: {fault}", longest=300)
    lines = [f"internal error: {summary}"]
    if TRACEBACK in sys.argv:
        return [*lines, details.rstrip()]
    log = _crash_log(details)
    where = f"{log} has the details; " if log else f"run it as `modelyard {TRACEBACK} …` for the details; "
    return [*lines, f"  this is a fault of modelyard: {where}please report it at {ISSUES}"]


def _crash_log(details: str) -> Path | None:
    """Write the details where the user can find them; None where no file can be written."""
    import platform
    import tempfile

    from modelyard import __version__
    from modelyard.tooling import cache

    moment = datetime.now(UTC)
    content = (
        f"modelyard {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{moment:%Y-%m-%dT%H:%M:%SZ}\n{' '.join(sys.argv)}\n\n{details}"
    )
    name = f"{moment:%Y%m%dT%H%M%S}-{os.getpid()}.log"
    for folder in (cache() / "crashes", Path(tempfile.gettempdir())):
        log = folder / (name if folder.name == "crashes" else f"modelyard-crash-{name}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(content)
        return log
    return None
