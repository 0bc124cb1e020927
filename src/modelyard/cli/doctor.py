"""`modelyard doctor`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.cli.boundary import verb
from modelyard.cli.options import AsJson
from modelyard.findings import ExitCode

if TYPE_CHECKING:
    from modelyard.reporting import Line
    from modelyard.tooling.diagnosis import ToolStatus


_TITLES = {
    "check": "For `modelyard check`",
    "other verbs": "Optional: for other verbs and scripts",
    "development": "Only for developing Modelyard",
}


@verb
def command(as_json: AsJson = False) -> int:
    """List required tools: version, path, and what is skipped when one is missing."""
    from modelyard.cli.terminal import show
    from modelyard.tooling import cache, data
    from modelyard.tooling.diagnosis import State, diagnose

    found = diagnose()
    code = ExitCode.CLEAN
    if any(tool.required and tool.state is State.MISSING for tool in found):
        code = ExitCode.USAGE
    if as_json:
        content = {
            "tools": [_content(tool) for tool in found],
            "cache": str(cache()),
            "data": str(data()),
            "exit_code": int(code),
        }
        from modelyard.reporting import json_text

        sys.stdout.write(json_text(content))
        return code
    lines = _lines(found)
    lines += [[], [("cache  ", "faint"), (_short(cache()), "plain")], [("tools  ", "faint"), (_short(data()), "plain")]]
    show(lines)
    return code


def _content(tool: ToolStatus) -> dict[str, str | bool | None]:
    return {
        "name": tool.name,
        "state": tool.state.value,
        "required": tool.required,
        "serves": tool.serves,
        "version": tool.version,
        "wanted": tool.wanted,
        "path": None if tool.path is None else str(tool.path),
        "origin": tool.origin,
        "purpose": tool.purpose,
        "without": tool.without,
        "difference": tool.difference,
        "fix": tool.fix,
    }


def _lines(found: list[ToolStatus]) -> list[Line]:
    from modelyard.cli.terminal import look_of
    from modelyard.reporting import wrapped
    from modelyard.tooling.diagnosis import State

    width = look_of(sys.stdout).width
    styles = {State.OK: "good", State.DIFFERS: "gap", State.MISSING: "gap"}
    names = max(len(tool.name) for tool in found) + 2
    versions = max(len(tool.version or "-") for tool in found) + 2
    lines: list[Line] = []
    group = ""
    for tool in sorted(found, key=lambda each: list(_TITLES).index(each.serves)):
        if tool.serves != group:
            group = tool.serves
            lines += [[], [(_TITLES[group], "strong")]] if lines else [[(_TITLES[group], "strong")]]
        serious = tool.required and tool.state is State.MISSING
        lead: Line = [
            (tool.name.ljust(names), "strong"),
            (tool.state.value.ljust(9), "error" if serious else styles[tool.state]),
            ((tool.version or "-").ljust(versions), "plain"),
        ]
        place = f"{_short(tool.path)} ({tool.origin})" if tool.path else f"wanted {tool.wanted}"
        lines.append([*lead, (place, "faint")])
        if tool.state is State.OK:
            continue
        said = tool.difference if tool.state is State.DIFFERS else f"skipped without it: {tool.without}"
        if said:
            lines += wrapped([(" " * names, "plain")], said, "plain", width=width, indent=names)
        if tool.fix:
            fix: Line = [(" " * names, "plain"), ("fix:", "fix"), (" ", "plain")]
            lines += wrapped(fix, tool.fix, "plain", width=width, indent=names + 5)
    return lines


def _short(path: Path) -> str:
    """Return a path with the home folder as `~`."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
