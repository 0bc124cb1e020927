"""ApplicationSets: the folders and files of Git that their generators look for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.linear import LinearPattern, UnreadablePattern, linear
from modelyard.rendering import Path
from modelyard.repository import Files
from modelyard.view.environment import Environment
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import mapping, numbered, text


@dataclass(frozen=True)
class GitGenerator:
    """One generator of an ApplicationSet that looks for folders or files of a Git repository.

    Attributes:
        manifest: The ApplicationSet.
        path: Where in it.
        field: `directories` or `files`.
        value: The generator as written.
    """

    manifest: Manifest
    path: Path
    field: str
    value: dict[str, Any]

    @property
    def repository(self) -> str:
        """Return the address of the repository that it looks in."""
        return text(self.value, "repoURL")

    @property
    def patterns(self) -> list[tuple[int, str, bool]]:
        """Return position, pattern, and whether what matches is left out."""
        return [
            (index, text(each, "path"), each.get("exclude") is True) for index, each in numbered(self.value, self.field)
        ]

    def found(self, files: Files) -> list[str]:
        """Return the folders, or the files, of a repository that it matches."""
        wanted = [_expression(pattern, self.field) for _, pattern, left_out in self.patterns if not left_out]
        not_wanted = [_expression(pattern, self.field) for _, pattern, left_out in self.patterns if left_out]
        return [
            each
            for each in (_folders(files) if self.field == "directories" else _files(files))
            if any(pattern.fullmatch(each) for pattern in wanted)
            and not any(pattern.fullmatch(each) for pattern in not_wanted)
        ]


def git_generators(environment: Environment) -> Iterator[GitGenerator]:
    """Yield the generators that look in this repository, at whatever depth of matrix and merge they stand."""
    for manifest in environment.of_kind("ApplicationSet", "argoproj.io"):
        for each in _git(manifest, ("spec", "generators"), manifest.get("spec.generators")):
            if each.repository in _own(environment):
                yield each


def _git(manifest: Manifest, path: Path, generators: Any) -> Iterator[GitGenerator]:
    for index, generator in enumerate(generators if isinstance(generators, list) else ()):
        at = (*path, index)
        yield from of_git(manifest, at, generator)
        for combined in ("matrix", "merge"):
            inner = mapping(generator, combined).get("generators")
            yield from _git(manifest, (*at, combined, "generators"), inner)


def of_git(manifest: Manifest, path: Path, generator: Any) -> Iterator[GitGenerator]:
    """Yield what one generator, at a path of an ApplicationSet, looks for in a Git repository."""
    git = mapping(generator, "git")
    for field in ("directories", "files"):
        if isinstance(git.get(field), list) and git[field]:
            yield GitGenerator(manifest, (*path, "git"), field, git)


def _own(environment: Environment) -> frozenset[str]:
    """Return the addresses of this repository: as a fact, else as Applications and templates use it for its folders."""
    own = environment.facts.get("repository")
    if isinstance(own, str) and own:
        return frozenset({own})
    files = environment.repository.files
    found = {
        source.repository
        for each in environment.applications
        for source in each.sources
        if source.folder and not source.chart and files.is_folder(source.folder)
    }
    return frozenset(found - {""})


_PART = re.compile(r"\*\*/?|\*|\?|\[\^?[^\]]{1,500}\]|\\.|[{},]|[^*?\[\\{},]+|.")


def _expression(pattern: str, field: str) -> LinearPattern:
    """Return a pattern of Argo CD as a regular expression.

    Folders are matched by Go's `path.Match`, where two stars are one star twice, and files by doublestar, where two
    stars go through all folders and braces hold alternatives (`Match` of applicationset/generators/git.go and
    util/git/client.go of Argo CD 3.5.1).
    """
    deep = field == "files"
    said, depth = "", 0
    for part in _PART.findall(pattern.strip("/")):
        if part.startswith("**"):
            through = "(?:.*/)?" if part.endswith("/") else ".*"
            said += through if deep else "[^/]*" + part[2:]
        elif part in "*?":
            said += "[^/]*" if part == "*" else "[^/]"
        elif part.startswith("[") and len(part) > 1:
            said += part
        elif deep and part == "{":
            said, depth = said + "(?:", depth + 1
        elif depth and part in "},":
            said, depth = said + (")" if part == "}" else "|"), depth - (part == "}")
        else:
            said += re.escape(part[1:] if part.startswith("\\") else part)
    try:
        return linear(said + ")" * depth)
    except UnreadablePattern:  # Argo CD refuses the pattern, and makes nothing
        return linear("[^\\s\\S]")


def _folders(files: Files, above: str = "") -> Iterator[str]:
    for name in files.under(above):
        path = f"{above}/{name}" if above else name
        if not name.startswith(".") and files.is_folder(path) and not (files.root / path).is_symlink():
            yield path
            yield from _folders(files, path)


def _files(files: Files) -> Iterator[str]:
    yield from files.below(("yaml", "yml", "json"))
