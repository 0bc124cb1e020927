"""Applications that Argo CD makes of ApplicationSets, made here as far as files tell."""

from __future__ import annotations

from dataclasses import replace

from modelyard.checking.plain import address_of
from modelyard.checking.revisions import Revisions
from modelyard.findings import NotChecked
from modelyard.rendering import Rendering, Resource
from modelyard.repository import EnvironmentFolder, Files
from modelyard.view import GitGenerator, UnresolvableGeneratorError, generated_by, manifests


def expand_application_sets(
    folder: EnvironmentFolder, root: Rendering, revisions: Revisions
) -> tuple[Rendering, tuple[NotChecked, ...]]:
    """Return an app-of-apps with the Applications that its ApplicationSets make, and those of which files do not tell.

    Args:
        folder: The environment.
        root: What its app-of-apps renders to.
        revisions: The repository at the revisions that generators look at.
    """
    generated: list[Resource] = []
    gaps: list[NotChecked] = []
    sets = tuple(each for each in root.resources if each.value.get("kind") == "ApplicationSet")
    for manifest in manifests(revisions.repository, replace(root, resources=sets)):
        if manifest.group != "argoproj.io":
            continue
        try:
            values = generated_by(manifest, lambda generator: _files(generator, folder, revisions))
        except UnresolvableGeneratorError as unknown:
            reason = f"its Applications are made by Argo CD: {unknown}"
            gaps.append(NotChecked(f"ApplicationSet {manifest.name}", reason, environment=folder.name))
            continue
        generated.extend(
            replace(manifest.resource, value=value, verdict=None, generated_by=manifest.name) for value in values
        )
    expanded = replace(root, resources=(*root.resources, *generated)) if generated else root
    return expanded, tuple(gaps)


def _files(generator: GitGenerator, folder: EnvironmentFolder, revisions: Revisions) -> Files:
    """Return the files that a generator looks through; what it finds here tells that the repository is this one."""
    own = folder.facts.get("repository")
    at_revision = revisions.at(str(generator.value.get("revision") or ""))
    if isinstance(at_revision, str):
        raise UnresolvableGeneratorError(at_revision)
    remotes = {address_of(each) for each in revisions.repository.remotes}
    named = address_of(generator.repository) in remotes
    is_own = generator.repository == own if own else named or bool(generator.found(at_revision.files))
    if not is_own:
        raise UnresolvableGeneratorError(f"it looks in {generator.repository}")
    return at_revision.files
