"""Features that change nothing."""

from collections import defaultdict
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.repository import Kustomization, Repository, joined
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Application, Environment
from modelyard.view.patches import Origins, Patch, patches

_NOTHING = {"apiVersion", "kind", "metadata", "patches", "patchesJson6902"}


@rule("kustomize/ineffective-component", error, since="0.1.0")
def ineffective_component(environment: Environment) -> Iterator[Finding | NotChecked]:
    """If no patch of a Component matches, the model does not get the feature that its kustomization lists."""
    origins = Origins()
    for application in environment.applications:
        repository, target = application.repository, application.target
        if repository is None or target is None or application.errors or not application.own_resources:
            continue
        layers = repository.kustomizations.tree(target).layers
        if not any(layer.component for layer in layers):
            continue
        by_folder: dict[str, list[Patch]] = defaultdict(list)
        for patch in patches(repository, target, application.own_resources, origins):
            by_folder[patch.layer.folder].append(patch)
        for layer in layers:
            aimed = by_folder[layer.folder]
            if layer.component and aimed and _only_aimed(layer, aimed) and not any(each.matches for each in aimed):
                yield from _listed(repository, layers, layer, aimed, application)


def _only_aimed(layer: Kustomization, aimed: list[Patch]) -> bool:
    """Return whether a Component holds nothing but patches that name what they are for."""
    held = {key for key, value in layer.content.items() if value} - _NOTHING
    return not held and len(aimed) == len(layer.entries("patches")) + len(layer.entries("patchesJson6902"))


def _listed(
    repository: Repository,
    layers: list[Kustomization],
    component: Kustomization,
    aimed: list[Patch],
    application: Application,
) -> Iterator[Finding]:
    wanted = one_of({patch.selection for patch in aimed})
    for layer in layers:
        for index, entry in enumerate(layer.entries("components")):
            if isinstance(entry, str) and joined(layer.folder, entry) == component.folder:
                yield Finding(
                    at=layer.at("components", index, files=repository.files),
                    message=f"{component.folder} changes nothing of {application}, which has no {wanted}",
                    fix="remove it, or list it where the resources that it patches exist",
                )
