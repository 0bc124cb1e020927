"""Which templates are taken: those that the user named, never one that only a repository names.

See docs/adr/0303-a-template-is-named-by-its-user.md.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

import orjson

from modelyard.findings import UserError
from modelyard.scaffolding.source import template_source
from modelyard.tooling import write_whole
from modelyard.tooling.directories import state
from modelyard.tooling.git import remote
from modelyard.tooling.words import git_address

Tell = Callable[[str], None]

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SHORTHANDS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
_MOST = 200


def trust(address: str) -> None:
    """Remember a template that the user named, for later updates by the same user; the newest stay."""
    known = [each for each in _remembered() if each != _plain(address)]
    with contextlib.suppress(UserError):  # it costs naming the template again
        write_whole(_file(), orjson.dumps([*known, _plain(address)][-_MOST:]), mode=0o600)


def require_trusted(address: str, named: str | None, file: str) -> None:
    """Refuse a template that neither the user nor this installation names.

    Args:
        address: What the repository names.
        named: What the user names now; remembered when it is the same.
        file: The repository's file that names it.

    Raises:
        UserError: Nobody but the repository names it.
    """
    if named is not None and _plain(template_source(named).url) == _plain(address):
        trust(address)
        return
    if _plain(address) in _remembered():
        return
    try:
        own = template_source().url
    except UserError:
        own = ""
    if _plain(own) == _plain(address):
        return
    shown = address.removeprefix("git+")
    raise UserError(
        f"{file} names the template {shown}, which you never named, and this modelyard is not from there",
        fix=f"when you know it and want its files here: --template {shown}",
    )


def tell_template(tell: Tell, address: str, ref: str | None) -> None:
    """Say which template at which commit is taken."""
    plain = address.removeprefix("git+")
    commit = _commit(plain, ref)
    version = ref or "its newest version"
    at = f"commit {commit[:12]}" if commit == ref else f"{version}, commit {commit[:12]}" if commit else version
    tell(f"template: {plain} at {at}")


def _commit(address: str, ref: str | None) -> str:
    if ref is not None and _COMMIT.fullmatch(ref):
        return ref
    name = ref or "HEAD"
    listed = remote(git_address(address), name, f"refs/tags/{name}^{{}}").stdout.decode("utf-8", "replace")
    # A name given to ls-remote finds every reference that ends with it, those of the remote's own remotes too.
    commits = {known: commit for commit, _, known in (line.partition("\t") for line in listed.splitlines())}
    # In the order in which Git fetches by a name; what a tag with a message points to stands for the tag.
    wanted = (name, f"refs/tags/{name}^{{}}", f"refs/tags/{name}", f"refs/heads/{name}")
    return next((commits[each] for each in wanted if each in commits), "")


def _remembered() -> list[str]:
    try:
        content = orjson.loads(_file().read_bytes())
    except (OSError, ValueError):
        return []
    return [str(each) for each in content] if isinstance(content, list) else []


def _file() -> Path:
    return state() / "templates.json"


def _plain(address: str) -> str:
    """Return one form of an address, in which two that mean the same repository are the same."""
    plain = address.removeprefix("git+")
    for short, whole in _SHORTHANDS.items():
        plain = whole + plain.removeprefix(short) if plain.startswith(short) else plain
    folder = Path(plain).expanduser()
    if folder.is_absolute():
        return str(folder.resolve())
    return plain.rstrip("/").removesuffix(".git")
