"""The one way from a name that a file gives to a path on disk."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from modelyard.findings import UserError

_GIT = ".git"


class Unconfined(UserError):
    """A name leads out of the folder that it is to lie in."""


def confined(folder: Path, name: object) -> Path:
    """Return where a name lies below a folder, links on the way to it followed.

    The last part itself may be a link: whoever replaces or removes it reaches the link, and whoever reads it asks
    `confined_target`.

    Args:
        folder: The folder.
        name: The name as a file gives it, with forward slashes.

    Raises:
        Unconfined: The name is no text, empty, absolute, or leads out of the folder or into its `.git`, be it by `..`
            or by a link.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise Unconfined(f"{name!r} is no name of a file")
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        raise Unconfined(f"{name} is not a path inside {folder}")
    top = folder.resolve()
    try:
        found = (top / path.parent).resolve() / path.name
    except (OSError, RuntimeError):
        raise Unconfined(f"{name} goes through links that lead to each other") from None
    if not found.is_relative_to(top):
        raise Unconfined(f"{name} leads out of {folder}")
    # A file system may take .GIT for .git.
    if _GIT in (part.lower() for part in found.relative_to(top).parts):
        raise Unconfined(f"{name} leads into Git's own folder")
    return found


def confined_target(folder: Path, name: object) -> Path:
    """Return what a name below a folder stands for, every link followed.

    Raises:
        Unconfined: As for `confined`, and where the last part is a link that leads out.
    """
    found = confined(folder, name)
    try:
        target = found.resolve()
    except (OSError, RuntimeError):
        raise Unconfined(f"{name} goes through links that lead to each other") from None
    if not target.is_relative_to(folder.resolve()):
        raise Unconfined(f"{name} leads out of {folder}")
    return target
