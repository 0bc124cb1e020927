"""Conflicts of a three-way merge: where they are, and what each side wants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from modelyard.scaffolding import git

START, MIDDLE, END = "<<<<<<< before updating", "=======", ">>>>>>> after updating"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Lines that both sides changed.

    Attributes:
        file: The file, relative to the repository.
        line: Where it starts; 0 for the whole file.
        here: What stands in the repository.
        template: What the template wants.
    """

    file: str
    line: int
    here: tuple[str, ...]
    template: tuple[str, ...]


def conflicting_files(root: Path) -> tuple[str, ...]:
    """Return files that are unmerged in the index, hold conflict markers, or have rejected hunks beside them."""
    unmerged = git.paths(root, *git.DIFF, "--name-only", "--diff-filter=U", "-z")
    rejected = [name for name in git.paths(root, "ls-files", "--others", "-z") if name.endswith(".rej")]
    changed = git.paths(root, *git.DIFF, "--name-only", "--diff-filter=d", "-z", "HEAD")
    marked = [name for name in changed if any(_in_file(root, name))]
    return tuple(sorted({*unmerged, *rejected, *marked}))


def conflicts(root: Path, files: Iterable[str]) -> tuple[Conflict, ...]:
    """Return the conflicts of files, in order; a file without markers conflicts as a whole."""
    return tuple(each for file in files for each in (tuple(_in_file(root, file)) or (Conflict(file, 0, (), ()),)))


def _in_file(root: Path, file: str) -> Iterator[Conflict]:
    path = root / file
    if path.is_symlink() or not path.is_file():
        return
    here: list[str] | None = None
    template: list[str] | None = None
    start = 0
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        text = line.rstrip()
        if text == START:
            here, template, start = [], None, number
        elif text == MIDDLE and here is not None and template is None:
            template = []
        elif text == END and here is not None and template is not None:
            yield Conflict(file, start, tuple(here), tuple(template))
            here = template = None
        elif template is not None:
            template.append(text)
        elif here is not None:
            here.append(text)
