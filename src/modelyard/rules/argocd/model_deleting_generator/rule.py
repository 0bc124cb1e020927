"""Generators that delete a served model when its folder is renamed."""

from collections.abc import Iterable, Iterator

from modelyard.findings import Finding, NotChecked, UserError, warning
from modelyard.repository import Repository, kustomization_file
from modelyard.rules import rule
from modelyard.view import ACCELERATORS, Environment, git_generators

_KEEPING = ("create-only", "create-update")


@rule("argocd/model-deleting-generator", warning, since="0.1.0")
def model_deleting_generator(environment: Environment) -> Iterator[Finding | NotChecked]:
    """When a folder is renamed, the ApplicationSet deletes its Application, and the model stops serving."""
    files = environment.repository.files
    for generator in git_generators(environment):
        policy = generator.manifest.mapping("spec.syncPolicy")
        if policy.get("preserveResourcesOnDeletion") is True or policy.get("applicationsSync") in _KEEPING:
            continue
        if generator.field != "directories":
            continue
        served = next(
            (folder for folder in generator.found(files) if _asks_for_devices(environment.repository, folder)), ""
        )
        if served:
            yield Finding(
                at=generator.manifest.at(("spec", "syncPolicy", "preserveResourcesOnDeletion")),
                message=f"{generator.manifest} deletes the running model of {served} when that folder is renamed or "
                "excluded",
                fix="set spec.syncPolicy.preserveResourcesOnDeletion: true, or applicationsSync: create-update",
            )


def _asks_for_devices(repository: Repository, folder: str) -> bool:
    files = repository.files
    if kustomization_file(files, folder) is not None:
        paths: Iterable[str] = repository.kustomizations.tree(folder).inputs
    else:
        paths = [path for name in files.under(folder) if files.is_file(path := f"{folder}/{name}")]
    for path in paths:
        try:
            content = files.text(path) if path.endswith((".yaml", ".yml")) else ""
        except UserError:
            continue
        if any(device in content for device in ACCELERATORS):
            return True
    return False
