"""A copy of a repository in which unsaved texts stand: renderers and readers of Terraform read files, not buffers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelyard.findings import UserError
from modelyard.repository.limits import UnreadableFile, content_of
from modelyard.tooling.confinement import confined
from modelyard.tooling.stamps import Stamp, stamps

MOST_FILES = 50_000


class Mirror:
    """A copy that follows the files on disk, with other texts in place of some.

    Links are copied as links. Hidden folders that no check reads, such as `.git`, are left out; what Git knows of the
    repository is asked of the original.

    Args:
        root: The repository.
        folder: An empty folder for the copy.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root.resolve()
        self.folder = folder.resolve()
        self._stamps: dict[str, Stamp] = {}
        self._texts: dict[str, bytes] = {}
        self._point_to_git()

    def follow(self, texts: Mapping[str, str]) -> frozenset[str]:
        """Bring the copy up to date, and return the paths that changed since the last time.

        Args:
            texts: Unsaved texts by path; they need not be on disk.

        Raises:
            UserError: There are more files than a GitOps repository has.
        """
        changed: set[str] = set()
        stamps = dict(self._files())
        wanted = {path: text.encode() for path, text in texts.items()}
        for path in self._stamps.keys() | self._texts.keys():
            if path not in stamps and path not in wanted:
                (self.folder / path).unlink(missing_ok=True)
                changed.add(path)
        for path, stamp in stamps.items():
            if path not in wanted and (self._stamps.get(path) != stamp or path in self._texts):
                self._copy(path)
                changed.add(path)
        for path, content in wanted.items():
            if self._texts.get(path) != content:
                target = confined(self.folder, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                target.write_bytes(content)
                changed.add(path)
        self._stamps, self._texts = stamps, wanted
        return frozenset(changed)

    def _files(self) -> Iterator[tuple[str, Stamp]]:
        for count, found in enumerate(stamps(self.root), 1):
            if count > MOST_FILES:
                raise UserError(
                    f"{self.root} holds more than {MOST_FILES:,} files", fix="open the folder of the GitOps repository"
                )
            yield found

    def _copy(self, path: str) -> None:
        source, target = self.root / path, self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            shutil.copy2(source, target, follow_symlinks=False)
        except OSError:
            return  # it went away, or nobody may read it; a check says so of what it needs

    def _point_to_git(self) -> None:
        """Let Git find the clone, for Applications that are pinned to a revision of it."""
        above = next((each for each in (self.root, *self.root.parents) if (each / ".git").exists()), None)
        if above != self.root:
            return
        git = self.root / ".git"
        try:
            content = f"gitdir: {git}\n".encode() if git.is_dir() else content_of(git)
        except UnreadableFile:
            return  # a clone that Git cannot read either
        (self.folder / ".git").write_bytes(content)
