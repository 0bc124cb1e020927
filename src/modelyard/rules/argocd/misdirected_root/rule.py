"""Root Applications that bring another folder than the environment's, or bring it where Argo CD does not look."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment


@rule("argocd/misdirected-root", error, since="0.3.0")
def misdirected_root(environment: Environment) -> Iterator[Finding | NotChecked]:
    """What install.sh applies brings no Application of the environment, so that nothing of it is synced."""
    folder = environment.folder.path
    yield from _as_directory(environment)
    for root in environment.roots:
        target = root.target
        if target is not None and target != folder and environment.repository.files.is_folder(target):
            source = next(each for each in root.sources if each.folder == target)
            yield Finding(
                at=root.at((*source.path, "path")),
                message=f"{root} reads {target}, and the Applications of {environment.name} are in {folder}",
                fix=f"write {folder}",
            )
        own = root.manifest.namespace
        unplaced = next((each for each in environment.root if each.kind == "Application" and not each.namespace), None)
        if own and root.namespace and root.namespace != own and unplaced is not None and target == folder:
            yield Finding(
                at=root.at("spec.destination.namespace"),
                message=f"{root} brings Applications into namespace {root.namespace}, and Argo CD is in {own}",
                fix=f"write {own}",
            )


def _as_directory(environment: Environment) -> Iterator[Finding]:
    """Yield Applications that read a kustomization as plain files: `directory` decides the tool before the files do.

    https://argo-cd.readthedocs.io/en/stable/user-guide/tool_detection/, read 2026-12-01
    """
    files = environment.repository.files
    for application in (*environment.roots, *environment.applications):
        for source in application.sources:
            plain = isinstance(source.value.get("directory"), dict)
            if plain and source.folder and files.is_file(f"{source.folder}/kustomization.yaml"):
                yield Finding(
                    at=application.at((*source.path, "directory")),
                    message=f"{application} reads {source.folder} as a directory, and it is a kustomization: "
                    "its patches are not applied, and files that are no manifests are refused",
                    fix="remove directory",
                )
