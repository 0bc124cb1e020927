"""Git, run so that a folder's own configuration starts nothing: it may have come with the folder.

See docs/adr/0302-git-runs-nothing-that-a-folder-configures.md.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelyard.tooling.executables import require
from modelyard.tooling.processes import GIT_SECONDS, Completed, run

_LOCATIONS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF")
"""Variables of a hook that this process may run in, and a program that Git would start."""

# Hooks, the monitor of a file system, signing and pagers are programs; submodules have configurations of their own.
_ALWAYS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.pager": "cat",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "diff.external": "",
    "diff.ignoreSubmodules": "dirty",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "protocol.ext.allow": "never",
}
# Settings of the folder's own that name a program, with what takes their place.
_OVERRIDDEN = (
    (re.compile(r"filter\..+\.(clean|smudge|process)"), ""),
    (re.compile(r"filter\..+\.required"), "false"),
    (re.compile(r"diff\..+\.(command|textconv)"), ""),
    (re.compile(r"merge\..+\.driver"), "false"),
    (re.compile(r"core\.(sshcommand)"), "ssh"),
    (re.compile(r"core\.(alternaterefscommand|askpass|editor)"), "true"),
    (re.compile(r"core\.gitproxy"), ""),
    (re.compile(r"credential\.(.+\.)?helper"), ""),
    (re.compile(r"gpg\.(.+\.)?program"), "false"),
)
_PROTOCOLS = "file:git:http:https:ssh"
_SCOPES = ("local", "worktree")
_INSTEAD: dict[str, Path] = {}
"""Addresses that are not asked, with the repository on this disk that answers in their place."""


def git(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str | None] | None = None,
    check: bool = False,
    timeout: float = GIT_SECONDS,
    stdin: bytes | None = None,
) -> Completed:
    """Run Git in a folder, without what the folder's configuration would start and without a network.

    Args:
        folder: Where it runs.
        arguments: Its arguments; what comes from a file is shown to be a name by `modelyard.tooling.words`.
        env: Further variables; None takes one away.
        check: Whether an exit status other than 0 raises `ToolFailed`.
        timeout: Seconds.
        stdin: What it reads.

    Raises:
        ToolFailed: `check` was given and Git failed.
        ToolMissing: There is no Git.
    """
    environment = {**inert_environment(folder), **(env or {})}
    return run(
        [require("git").path, *arguments], cwd=folder, timeout=timeout, env=environment, check=check, stdin=stdin
    )


def remote(address: str, *arguments: str, timeout: float = GIT_SECONDS, check: bool = False) -> Completed:
    """Ask another repository for its references, outside of any folder whose configuration could have a say.

    Args:
        address: Its address, shown to be one by `git_address`.
        arguments: Patterns of references.
        timeout: Seconds.
        check: As for `git`.

    Raises:
        ToolFailed: `check` was given and Git failed.
        ToolMissing: There is no Git.
    """
    environment = {**inert_environment(None), **reaching_out(), "GIT_DIR": os.devnull}
    argv: list[str | Path] = [require("git").path, "ls-remote", "--quiet", "--", address, *arguments]
    return run(argv, timeout=timeout, env=environment, check=check)


@contextlib.contextmanager
def answered_by(address: str, repository: Path) -> Iterator[None]:
    """Let a repository on this disk answer for an address, for the length of a block."""
    _INSTEAD[address] = repository
    try:
        yield
    finally:
        del _INSTEAD[address]


def reaching_out() -> dict[str, str | None]:
    """Return the variables under which Git may reach others, by the protocols that a template's address may have."""
    return {"GIT_ALLOW_PROTOCOL": _PROTOCOLS}


def inert_environment(folder: Path | None) -> dict[str, str | None]:
    """Return the variables under which nothing that a folder's configuration names is started."""
    settings = _ALWAYS | {f"url.{repository.as_uri()}.insteadOf": address for address, repository in _INSTEAD.items()}
    if folder is not None:
        real = folder.resolve()
        settings |= _overrides(real, _changed(real / ".git" / "config"))
    return _variables(settings)


def _variables(settings: Mapping[str, str]) -> dict[str, str | None]:
    """Return variables for settings, after those that the user's own variables give."""
    before = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(before) if before.isdigit() else 0
    variables: dict[str, str | None] = dict.fromkeys(_LOCATIONS)
    variables |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",  # who only looks leaves no lock behind when killed
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "",  # a partial clone would fetch what is missing, by whatever its configuration says
        "LC_ALL": "C",
        "GIT_CONFIG_COUNT": str(first + len(settings)),
    }
    for number, (name, value) in enumerate(settings.items(), first):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


@functools.lru_cache(maxsize=64)
def _overrides(folder: Path, changed: int) -> dict[str, str]:
    """Return settings that take the place of a folder's own that name programs; the user's own stay."""
    words = ("config", "--list", "--show-scope", "--name-only", "-z")
    listed = run([require("git").path, *words], cwd=folder, timeout=GIT_SECONDS, env=_variables(_ALWAYS))
    parts = listed.stdout.decode("utf-8", "surrogateescape").split("\0")
    overrides: dict[str, str] = {}
    for scope, name in zip(parts[::2], parts[1::2], strict=False):
        for pattern, value in _OVERRIDDEN if scope in _SCOPES else ():
            if pattern.fullmatch(name):
                overrides[name] = value
    return overrides


def _changed(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
