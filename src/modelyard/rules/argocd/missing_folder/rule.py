"""Applications of folders that are not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment


@rule("argocd/missing-folder", error, since="0.1.0")
def missing_folder(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD cannot render an Application whose path does not exist at its revision, and syncs nothing."""
    for application in environment.synced:
        repository, target = application.repository, application.target
        if repository is None or target is None or repository.files.is_folder(target):
            continue
        source = next((each for each in application.sources if each.folder == target), None)
        above, _, name = target.rpartition("/")
        near = nearest(name, repository.files.under(above))
        yield Finding(
            at=application.at((*source.path, "path") if source else ("spec", "source")),
            message=f"{application} reads {target}, which does not exist"
            + ("" if repository is environment.repository else f" at revision {source.revision if source else ''}"),
            fix=f"use {above}/{near}" if near else "create the folder, or remove the Application",
        )
