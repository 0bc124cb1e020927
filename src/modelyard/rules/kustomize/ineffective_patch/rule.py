"""Patches for resources that are not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.repository import Repository
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, Manifest
from modelyard.view.patches import Origins, Patch, patches


@rule("kustomize/ineffective-patch", error, since="0.1.0")
def ineffective_patch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Kustomize silently ignores a patch whose target matches no resource, so nothing changes."""
    origins = Origins()
    targets = [(environment.repository, environment.folder.path, environment.root)]
    for application in environment.applications:
        if application.repository is not None and application.target is not None:
            targets += [(application.repository, application.target, application.own_resources)]
    for repository, target, resources in targets:
        if not resources:
            continue
        for patch in patches(repository, target, resources, origins):
            # A Component brings one patch for each kind of workload; a label may be given to a resource later.
            if not (patch.matches or patch.layer.component or patch.by_label):
                yield _finding(patch, repository, resources, origins)


def _finding(patch: Patch, repository: Repository, resources: tuple[Manifest, ...], origins: Origins) -> Finding:
    kind = patch.target.get("kind")
    chosen = [manifest for manifest in resources if kind in (None, manifest.kind)]
    # Patches mostly see the name before the rename.
    names = {name for manifest in chosen for name in origins.names(manifest) - {manifest.name} or {manifest.name}}
    near = nearest(str(patch.target.get("name") or ""), names)
    if near:
        fix = f"name {near}"
    elif names and "name" in patch.target:
        fix = f"use {one_of(names)}, or remove the patch"
    else:
        kinds = one_of({manifest.kind for manifest in resources})
        fix = f"target an existing kind ({kinds}), or remove the patch"
    return Finding(
        at=patch.at(repository),
        message=f"the patch for {patch.selection} in {patch.layer.file} matches no resource and changes nothing",
        fix=fix,
    )
