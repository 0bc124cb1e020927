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
    "check": "check and every verb but rehearse",
    "rehearse": "rehearse",
    "scripts": "scripts of a repository",
    "development": "developing Modelyard",
}
"""What programs serve, in the order in which people need it."""
_INSTALL = "modelyard tools install"


@verb
def command(as_json: AsJson = False) -> int:
    """List the external programs: what is ready, and what to do for the rest.

    Exit code 2 when a program is missing without which nothing can be checked.
    """
    from modelyard.cli.terminal import show
    from modelyard.tooling import cache, data
    from modelyard.tooling.diagnosis import diagnose

    found = diagnose()
    code = ExitCode.CLEAN
    if any(tool.stops for tool in found):
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
        "instead": tool.instead,
        "fix": tool.fix,
    }


def _lines(found: list[ToolStatus]) -> list[Line]:
    """Return a verdict for each purpose, with the programs that serve it below."""
    from modelyard.cli.terminal import look_of

    width = look_of(sys.stdout).width
    names = max(len(tool.name) for tool in found) + 4
    lines: list[Line] = []
    for serves, title in _TITLES.items():
        serving = [tool for tool in found if tool.serves == serves]
        if not serving:
            continue
        verdict, style = _verdict(serving)
        lines += [[], [(f"{title}: ", "strong"), (verdict, style)]]
        for tool in serving:
            lines += _program(tool, names, width)
        fixes = [tool.name for tool in serving if tool.fix.startswith(_INSTALL)]
        if fixes:
            lines.append([("  fix:", "fix"), (f" {_INSTALL} {' '.join(fixes)}", "plain")])
    return lines[1:]


def _verdict(tools: list[ToolStatus]) -> tuple[str, str]:
    from modelyard.wording import counted

    if any(tool.stops for tool in tools):
        return "not ready", "error"
    behind = sum(not tool.ready for tool in tools)
    if not behind:
        return "ready", "good"
    whole = "" if any(tool.required for tool in tools) else "not "
    return f"{whole}ready, {counted(behind, 'program')} missing or of another version", "gap"


def _program(tool: ToolStatus, names: int, width: int | None) -> list[Line]:
    from modelyard.reporting import wrapped
    from modelyard.tooling.diagnosis import State

    style = "good" if tool.ready else "error" if tool.stops else "gap"
    lead: Line = [(f"  {tool.name}".ljust(names), "plain"), (f"{tool.state.value:11}", style)]
    if tool.state is State.OK:
        lead += [(f"{tool.version or ''} ".lstrip(), "plain"), (f"{_short(tool.path)} ({tool.origin})", "faint")]
        return [lead]
    if tool.state is State.UNNEEDED:
        return [[*lead, (f"{tool.instead} does its work", "faint")]]
    if tool.state is State.MISSING:
        text = f"skipped without it: {tool.without}"
    else:
        text = f"{tool.difference} ({_short(tool.path)})"
    if tool.fix and not tool.fix.startswith(_INSTALL):
        text += f"; {tool.fix}"
    return list(wrapped(lead, text, "plain", width=width, indent=names + 11))


def _short(path: Path | None) -> str:
    """Return a path with the home folder as `~`; empty for none."""
    if path is None:
        return ""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
