"""External programs: where they are, which version is pinned, how they are run, built and diagnosed."""

from modelyard.tooling.brief import brief_run
from modelyard.tooling.directories import cache, data
from modelyard.tooling.executables import Executable, Origin, find, require
from modelyard.tooling.files import exclusive, write_whole
from modelyard.tooling.pins import Pin, pin, pins
from modelyard.tooling.processes import (
    GIT_SECONDS,
    Completed,
    ToolError,
    ToolFailed,
    ToolMissing,
    ToolOutputTooLarge,
    ToolTimedOut,
    parallel,
    run,
    shell_line,
)

__all__ = [
    "GIT_SECONDS",
    "Completed",
    "Executable",
    "Origin",
    "Pin",
    "ToolError",
    "ToolFailed",
    "ToolMissing",
    "ToolOutputTooLarge",
    "ToolTimedOut",
    "brief_run",
    "cache",
    "data",
    "exclusive",
    "find",
    "parallel",
    "pin",
    "pins",
    "require",
    "run",
    "shell_line",
    "write_whole",
]
