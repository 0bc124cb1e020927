"""Manifests that are read as they lie, in repositories that the template did not make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelyard.findings import Address
from modelyard.rendering import RenderError, Rendering, Resource
from modelyard.repository import FileAddress, Files, MalformedYAML, Repository, kustomization_file
from modelyard.repository.layout import WHOLE
from modelyard.schemas import Validator
from modelyard.view import Manifest, mapping, sources

CHART = "Chart.yaml"


def applications_in_files(repository: Repository) -> Rendering:
    """Return the Applications, their generators and projects that lie in files anywhere in a repository."""
    found = [Resource(value, file) for file, value in repository.argo_cd_manifests]
    return Rendering(WHOLE, tuple(found))


def name(value: dict[str, object]) -> str:
    """Return a manifest's name."""
    metadata = value.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def own_urls(repository: Repository, applications: Iterable[Manifest]) -> frozenset[str]:
    """Return the addresses under which Applications read folders that are in this repository."""
    return frozenset(
        source.repository
        for manifest in applications
        for source in sources(manifest)
        if source.folder and not source.chart and repository.files.is_folder(source.folder)
    )


def is_plain(repository: Repository, folder: str) -> bool:
    """Return whether Argo CD reads a folder's manifests as they are: it is no kustomization and no chart."""
    files = repository.files
    return (
        files.is_folder(folder) and kustomization_file(files, folder) is None and not files.is_file(f"{folder}/{CHART}")
    )


def is_recursive(manifest: Manifest) -> bool:
    """Return whether an Application reads the folders in its folder as well."""
    return any(mapping(source.value, "directory").get("recurse") is True for source in sources(manifest))


def _manifests(files: Files, folder: str, *, recurse: bool) -> Iterator[str]:
    for entry in files.under(folder):
        path = f"{folder}/{entry}"
        if entry.endswith((".yaml", ".yml", ".json")) and files.is_file(path):
            yield path
        elif recurse and files.is_folder(path) and not (files.root / path).is_symlink():
            yield from _manifests(files, path, recurse=recurse)


def plain_folder(
    repository: Repository, folder: str, validator: Validator | None, *, recurse: bool = False
) -> Rendering:
    """Return the manifests of a folder as Argo CD's directory source reads them: those of folders in it on demand."""
    resources: list[Resource] = []
    errors: list[RenderError] = []
    for path in _manifests(repository.files, folder, recurse=recurse):
        at: Address = FileAddress(repository.files, path)
        try:
            content = repository.files.documents(path)
        except MalformedYAML as error:
            errors.append(RenderError("malformed", error.message, error.at or at, error.fix))
            continue
        resources.extend(
            Resource(each, path) for each in content if isinstance(each, dict) and each.get("kind") and name(each)
        )
    if validator is not None and resources:
        verdicts = validator.verdicts([each.value for each in resources])
        resources = [
            Resource(each.value, each.origin, (), verdict) for each, verdict in zip(resources, verdicts, strict=True)
        ]
    return Rendering(folder, tuple(resources), tuple(errors))
