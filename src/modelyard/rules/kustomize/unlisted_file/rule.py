"""Manifests that no kustomization lists."""

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, UserError, warning
from modelyard.repository import FileAddress, Repository, kustomization_file
from modelyard.rules import rule
from modelyard.view import Environment, entries, mapping, text

_KUSTOMIZE = "kustomize.config.k8s.io/"


@rule("kustomize/unlisted-file", warning, since="0.1.0")
def unlisted_file(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A manifest that its folder's kustomization does not list is not deployed."""
    for repository, folder, read in _folders(environment):
        for file in _manifests(repository, folder):
            if file in read:
                continue
            try:
                contents = repository.files.documents(file)
            except UserError:
                continue  # nothing reads it, so nothing depends on it
            if any(_reads(each, folder) for each in contents):
                continue  # the Application of this very folder, which somebody applies by hand
            kind = next((str(each["kind"]) for each in contents if _is_manifest(each)), "")
            if kind:
                yield Finding(
                    at=FileAddress(repository.files, file, ("kind",), _number(contents), key=True),
                    message=f"{file} holds a {kind} that {folder}/kustomization.yaml does not list, "
                    "so it is not deployed",
                    fix=f"list {file.removeprefix(f'{folder}/')} under resources, or remove the file",
                )


def _folders(environment: Environment) -> Iterator[tuple[Repository, str, set[str]]]:
    """Yield each folder with a kustomization that Applications read, with every file that any of them reads."""
    read: dict[tuple[Repository, str], set[str]] = {}
    for application in environment.applications:
        if application.repository is None or application.target is None or application.errors:
            continue
        tree = application.repository.kustomizations.tree(application.target)
        for folder in tree.folders:
            read.setdefault((application.repository, folder), set()).update(tree.inputs)
    for (repository, folder), files in sorted(read.items(), key=lambda item: item[0][1]):
        yield repository, folder, files


def _manifests(repository: Repository, folder: str) -> Iterator[str]:
    """Yield the YAML files of a folder, and of those below it without a kustomization of their own."""
    for name in repository.files.under(folder):
        path = f"{folder}/{name}" if folder else name
        if repository.files.is_folder(path):
            if not name.startswith(".") and kustomization_file(repository.files, path) is None:
                yield from _manifests(repository, path)
        elif name.endswith((".yaml", ".yml")):
            yield path


def _is_manifest(content: Any) -> bool:
    if not isinstance(content, dict) or not content.get("kind") or not isinstance(content.get("metadata"), dict):
        return False
    return not str(content.get("apiVersion", _KUSTOMIZE)).startswith(_KUSTOMIZE)


def _reads(content: Any, folder: str) -> bool:
    """Return whether a manifest is an Application that reads a folder."""
    if not isinstance(content, dict) or content.get("kind") != "Application":
        return False
    spec = mapping(content, "spec")
    found = [mapping(spec, "source"), *(each for each in entries(spec, "sources"))]
    return any(text(each, "path").removeprefix("./").strip("/") == folder for each in found)


def _number(contents: list[Any]) -> int:
    return next(index for index, each in enumerate(contents) if _is_manifest(each))
