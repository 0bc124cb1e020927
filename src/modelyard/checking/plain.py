"""Manifests that are read as they lie, in repositories that the template did not make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from modelyard.findings import Address
from modelyard.rendering import RenderError, Rendering, Resource
from modelyard.repository import FileAddress, Files, MalformedYAML, Repository, kustomization_file
from modelyard.repository.layout import CHART, WHOLE
from modelyard.schemas import Validator
from modelyard.view import Manifest, Source, sources, text


def applications_in_files(repository: Repository) -> Rendering:
    """Return the Applications, their generators and projects that lie in files anywhere in a repository."""
    found = [Resource(value, file) for file, value in repository.argo_cd_manifests]
    return Rendering(WHOLE, tuple(found))


def name(value: dict[str, object]) -> str:
    """Return a manifest's name."""
    metadata = value.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def own_urls(repository: Repository, applications: Iterable[Manifest]) -> frozenset[str]:
    """Return the addresses under which Applications read this repository.

    Git's remotes tell. Where none of them is named, as in a fork or a copy, an address is this repository's when most
    of the folders that are read from it are here.
    """
    folders: dict[str, set[str]] = {}
    for manifest in applications:
        for source in sources(manifest):
            if source.folder and not source.chart:
                folders.setdefault(source.repository, set()).add(source.folder)
    remotes = {address_of(each) for each in repository.remotes}
    named = {url for url in folders if address_of(url) in remotes}
    if named:
        return frozenset(named)
    return frozenset(
        url for url, read in folders.items() if 2 * sum(map(repository.files.is_folder, read)) >= len(read)
    )


def address_of(url: str) -> str:
    """Return host and path of a repository's address, whichever protocol it names."""
    text = url.strip().removesuffix("/").removesuffix(".git")
    scheme, separator, rest = text.partition("://")
    text = rest if separator else scheme
    host, at, path = text.partition("@")
    text = path if at else host
    host, separator, path = text.partition("/")
    name, colon, first = host.partition(":")
    if colon and not first.isdigit():  # user@host:owner/name
        return f"{name.lower()}/{first}{separator}{path}".casefold()
    return f"{host.lower()}/{path}".casefold()


def is_plain(repository: Repository, folder: str) -> bool:
    """Return whether Argo CD reads a folder's manifests as they are: it is no kustomization and no chart."""
    files = repository.files
    return (
        files.is_folder(folder) and kustomization_file(files, folder) is None and not files.is_file(f"{folder}/{CHART}")
    )


@dataclass(frozen=True, slots=True)
class DirectoryOptions:
    """How Argo CD reads a folder of plain manifests.

    Attributes:
        recurse: Whether it reads the folders in it as well.
        include: Pattern of the files that it reads; empty for all.
        exclude: Pattern of those that it leaves out; empty for none.
    """

    recurse: bool = False
    include: str = ""
    exclude: str = ""

    def admits(self, path: str) -> bool:
        """Return whether a file, by its path from the folder, is read.

        Both patterns are matched by glob with braces (`getDirectoryManifests` of reposerver/repository of Argo CD
        3.5), in which a star goes through slashes.
        """
        wanted = not self.include or any(fnmatchcase(path, each) for each in _alternatives(self.include))
        return wanted and not any(fnmatchcase(path, each) for each in _alternatives(self.exclude) if each)


def directory_options(source: Source) -> DirectoryOptions:
    """Return how Argo CD reads the folder of a source."""
    said = source.directory
    return DirectoryOptions(said.get("recurse") is True, text(said, "include"), text(said, "exclude"))


def _alternatives(pattern: str) -> list[str]:
    """Return the patterns that one with braces stands for; at most one pair of braces is read."""
    before, opened, rest = pattern.partition("{")
    inner, closed, after = rest.partition("}")
    return [f"{before}{each.strip()}{after}" for each in inner.split(",")] if opened and closed else [pattern]


def _manifests(files: Files, folder: str, *, recurse: bool) -> Iterator[str]:
    for entry in files.under(folder):
        path = f"{folder}/{entry}" if folder else entry
        if entry.endswith((".yaml", ".yml", ".json")) and files.is_file(path):
            yield path
        elif (
            recurse and files.is_folder(path) and not entry.startswith(".git") and not (files.root / path).is_symlink()
        ):
            yield from _manifests(files, path, recurse=recurse)


def plain_folder(
    repository: Repository, folder: str, validator: Validator | None, options: DirectoryOptions | None = None
) -> Rendering:
    """Return the manifests of a folder as Argo CD's directory source reads them.

    Args:
        repository: The repository.
        folder: The folder.
        validator: Sets verdicts; None where there is nothing to set them by.
        options: What the source says of reading it; as Argo CD reads by default when None.
    """
    paths = manifest_files(repository.files, folder, options or DirectoryOptions())
    return plain_files(repository, folder, paths, validator)


def manifest_files(files: Files, folder: str, options: DirectoryOptions) -> list[str]:
    """Return the files that Argo CD reads of a folder of plain manifests."""
    inside = len(folder) + 1 if folder else 0
    return [each for each in _manifests(files, folder, recurse=options.recurse) if options.admits(each[inside:])]


def plain_files(repository: Repository, folder: str, paths: Iterable[str], validator: Validator | None) -> Rendering:
    """Return the manifests in files as one rendering.

    Args:
        repository: The repository.
        folder: What the rendering is called.
        paths: The files.
        validator: Sets verdicts; None where there is nothing to set them by.
    """
    resources: list[Resource] = []
    errors: list[RenderError] = []
    for path in paths:
        at: Address = FileAddress(repository.files, path)
        try:
            content = repository.files.documents(path)
        except MalformedYAML as error:
            if not _looks_like_a_manifest(repository.files.text(path)):
                continue
            errors.append(RenderError("malformed", error.message, error.at or at, error.fix))
            continue
        resources.extend(Resource(each, path) for each in _listed(content) if each.get("kind") and name(each))
    if validator is not None and resources:
        verdicts = validator.verdicts([each.value for each in resources])
        resources = [
            Resource(each.value, each.origin, (), verdict) for each, verdict in zip(resources, verdicts, strict=True)
        ]
    return Rendering(folder, tuple(resources), tuple(errors))


def _looks_like_a_manifest(text: str) -> bool:
    """Return whether Argo CD refuses a folder for a file that is no YAML, or passes the file over.

    The repository server of Argo CD (reposerver/repository) looks for these three words.
    """
    return all(word in text for word in ("apiVersion:", "kind:", "metadata:"))


def _listed(content: Iterable[object]) -> Iterator[dict[str, Any]]:
    """Yield the manifests of a file, those of Lists one by one."""
    for each in content:
        if isinstance(each, dict):
            items = each.get("items")
            if str(each.get("kind", "")).endswith("List") and isinstance(items, list):
                yield from _listed(items)
            else:
                yield each
