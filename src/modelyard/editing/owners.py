"""Reviewers of single environments, in CODEOWNERS."""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelyard.editing.changes import Changes
from modelyard.findings import UserError

FILE = ".github/CODEOWNERS"
_OWNER = re.compile(r"@[\w.-]+(/[\w.-]+)?|(?<![^\s@#])[^\s@#]++@[^\s@#]+")


def require_owners(owners: Sequence[str]) -> None:
    """Refuse what GitHub does not take for an owner.

    Raises:
        UserError: One is no user, team or e-mail address.
    """
    for owner in owners:
        if not _OWNER.fullmatch(owner):
            raise UserError(f"'{owner}' is not an owner", fix="write @user, @organisation/team or an e-mail address")


def set_owners(changes: Changes, environment: str, owners: Sequence[str]) -> None:
    """Let an environment have reviewers of its own; with none it has those of all environments.

    The line goes last: of the lines that match a file, GitHub takes the last.
    """
    require_owners(owners)
    pattern = f"/environments/{environment}/"
    known = changes.text(FILE) if changes.exists(FILE) else ""
    kept = [line for line in known.splitlines(keepends=True) if line.split()[:1] != [pattern]]
    if kept and not kept[-1].endswith("\n"):
        kept[-1] += "\n"
    line = [f"{pattern} {' '.join(owners)}\n"] if owners else []
    if kept or line or known:
        changes.write(FILE, "".join([*kept, *line]))
