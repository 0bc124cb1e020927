"""Which files of a chart's folder Helm leaves out: `.helmignore`.

Read as pkg/ignore/rules.go of Helm v4.2.1 does, which refuses what only Git's ignore files may say, such as `**`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from modelyard.repository.files import Files

FILE = ".helmignore"
_ALWAYS = "templates/.?*"
"""What Helm leaves out whether or not there is such a file."""


class RefusedPattern(ValueError):
    """A line that Helm refuses, and the chart with it; the text says why."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    parts: tuple[str, ...]
    is_name: bool
    negates: bool
    folders_only: bool

    def leaves_out(self, path: str, *, is_folder: bool) -> bool:
        """Return whether this line ends the search; of a line with `!`, what does not match it is left out."""
        meant = is_folder or not self.folders_only
        parts = path.split("/")
        found = parts[-1:] if self.is_name else parts
        matches = len(found) == len(self.parts) and all(map(fnmatchcase, found, self.parts))
        return not (meant and matches) if self.negates else meant and matches


@dataclass(frozen=True, slots=True)
class Helmignore:
    """The lines of one file."""

    patterns: tuple[_Pattern, ...]

    def leaves_out(self, path: str, *, is_folder: bool) -> bool:
        """Return whether Helm leaves out a file, or a folder with all that is in it.

        Args:
            path: Path below the chart's folder.
            is_folder: Whether it is a folder.
        """
        return any(each.leaves_out(path, is_folder=is_folder) for each in self.patterns)


def read_helmignore(text: str) -> Helmignore:
    """Return the lines of a `.helmignore`, and what is always left out after them.

    Raises:
        RefusedPattern: Helm refuses a line.
    """
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    return Helmignore(tuple(_pattern(line) for line in (*lines, _ALWAYS) if line and not line.startswith("#")))


def files_of_chart(files: Files, folder: str) -> Iterator[str]:
    """Yield the files of a chart's folder that Helm reads, by their path in the repository; links lead nowhere.

    Raises:
        RefusedPattern: Helm refuses a line of its `.helmignore`.
        UnreadableFile: Its `.helmignore` cannot be read.
    """
    ignored = f"{folder}/{FILE}"
    rules = read_helmignore(files.text(ignored) if files.is_file(ignored) else "")

    def below(inside: str) -> Iterator[str]:
        for name in files.under(f"{folder}/{inside}".rstrip("/")):
            path = f"{inside}/{name}".lstrip("/")
            whole = f"{folder}/{path}"
            is_folder = files.is_folder(whole)
            if rules.leaves_out(path, is_folder=is_folder) or name == ".git":
                continue
            if not is_folder:
                if files.is_file(whole):
                    yield whole
            elif not (files.root / whole).is_symlink():
                yield from below(path)

    return below("")


def _pattern(line: str) -> _Pattern:
    if "**" in line:
        raise RefusedPattern(f"{FILE} has `{line}`: Helm knows no double star")
    negates, rest = line.startswith("!"), line.removeprefix("!")
    folders_only, rest = rest.endswith("/"), rest.removesuffix("/")
    parts = rest.removeprefix("/").split("/")
    return _Pattern(tuple(_glob(part, line) for part in parts), "/" not in rest, negates, folders_only)


def _glob(part: str, line: str) -> str:
    """Return one part of a path in the words of fnmatch, which knows no backslash and negates by `!`."""
    found: list[str] = []
    position = 0
    while position < len(part):
        letter = part[position]
        if letter == "\\":
            position += 1
            if position == len(part):
                raise RefusedPattern(f"{FILE} has `{line}`, which ends with a backslash")
            found.append(f"[{part[position]}]")
        elif letter == "[":
            end = part.find("]", position + 2)
            if end < 0:
                raise RefusedPattern(f"{FILE} has `{line}`, whose bracket is not closed")
            inner = part[position + 1 : end]
            found.append(f"[!{inner[1:]}]" if inner.startswith("^") else f"[{inner}]")
            position = end
        else:
            found.append(letter)
        position += 1
    return "".join(found)
