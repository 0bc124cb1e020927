"""Applications that no kustomization lists."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, UserError, warning
from modelyard.repository import FileAddress
from modelyard.rules import rule
from modelyard.view import Environment

FOLDER = "applications"


@rule("argocd/unlisted-application", warning, since="0.1.0")
def unlisted_application(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An Application file that the app-of-apps does not list is never deployed."""
    repository, folder = environment.repository, f"{environment.folder.path}/{FOLDER}"
    listed = repository.kustomizations.tree(environment.folder.path).inputs
    for name in repository.files.under(folder):
        file = f"{folder}/{name}"
        if file in listed or not name.endswith((".yaml", ".yml")) or not repository.files.is_file(file):
            continue
        try:
            contents = repository.files.documents(file)
        except UserError as error:
            yield NotChecked(file, error.message)
            continue
        for number, content in enumerate(contents):
            if isinstance(content, dict) and content.get("kind") == "Application":
                named = (content.get("metadata") or {}).get("name")
                yield Finding(
                    at=FileAddress(repository.files, file, ("metadata", "name"), number),
                    message=f"no kustomization of {environment.name} lists application {named}, so it is not deployed",
                    fix=f"list {FOLDER}/{name} under resources of {environment.folder.path}/kustomization.yaml, "
                    "or remove the file",
                )
