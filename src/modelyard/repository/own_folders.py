"""Whether the folders that Modelyard keeps its own things in are its own, and not brought by a repository."""

from __future__ import annotations

from pathlib import Path

from modelyard.findings import UserError
from modelyard.tooling import cache, find
from modelyard.tooling.git import git
from modelyard.tooling.words import absolute


def require_own_cache(root: Path) -> None:
    """Refuse a cache whose entries a repository could bring: they say what was rendered and found legal.

    In CI a cache often has to lie in the working copy. It may, as long as it is reached without links and Git tracks
    nothing in it.

    Raises:
        UserError: The cache lies in the repository and holds what Git tracks, or is reached by a link.
    """
    folder, top = cache(), root.absolute()
    if not folder.is_relative_to(top) and not folder.resolve().is_relative_to(top.resolve()):
        return
    above = [each for each in (folder, *folder.parents) if each.is_relative_to(top) and each != top]
    linked = next((each for each in above if each.is_symlink()), None)
    if linked is None and not (find("git") and git(top, "ls-files", "-z", "--", absolute(folder)).stdout):
        return
    raise UserError(
        f"the cache {folder} lies in the repository, which brings {'a link to it' if linked else 'files in it'}",
        fix="remove them from Git, or name another folder with MODELYARD_CACHE_DIR",
    )
