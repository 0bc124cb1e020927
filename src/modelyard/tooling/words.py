"""Words from files that reach other programs: each is shown to be a name before a program could take it for an option.

See docs/adr/0301-words-of-files-are-names.md.
"""

from __future__ import annotations

import re
from pathlib import Path

from modelyard.findings import UserError

# What Helm itself takes: ValidateReleaseName in pkg/chart/common/util of helm 4, and in pkg/chartutil of helm 3.
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_RELEASE = 53
# https://git-scm.com/docs/git-check-ref-format, and the suffixes of gitrevisions that name one commit.
_NO_REVISION = re.compile(r"[\x00-\x20\x7f:?*\[\\]|\.\.")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class NotAName(UserError):
    """A word of a file is not the name that a program is to be given."""


def release_name(text: str) -> str:
    """Return the name of a Helm release.

    Raises:
        NotAName: Helm takes no such name.
    """
    if not _RELEASE.fullmatch(text) or len(text) > _LONGEST_RELEASE:
        raise NotAName(
            f"{text!r} is no name of a Helm release",
            fix=f"use small letters, digits, hyphens and dots, at most {_LONGEST_RELEASE}, a letter or digit first",
        )
    return text


def revision_name(text: str) -> str:
    """Return the name of a revision, such as a branch, a tag or a commit.

    Raises:
        NotAName: Git gives no such name to a commit.
    """
    if not text or text.startswith(("-", "+", "^")) or _NO_REVISION.search(text):
        raise NotAName(f"{text!r} is no name of a commit", fix="name a branch, a tag or a commit")
    return text


def git_address(text: str) -> str:
    """Return the address of a Git repository.

    Raises:
        NotAName: It would be an option, or holds control characters.
    """
    if not text or text.startswith("-") or _CONTROL.search(text):
        raise NotAName(f"{text!r} is no address of a Git repository", fix="give a URL or a folder")
    return text


def absolute(path: Path) -> str:
    """Return a path that begins with a slash, which no program takes for an option."""
    return str(path.absolute())


def one_of_a_list(path: Path) -> str:
    """Return a path for an option of Helm that reads its value as a line of comma-separated values."""
    return '"' + absolute(path).replace('"', '""') + '"'
