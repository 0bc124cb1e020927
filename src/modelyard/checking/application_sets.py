"""Applications that Argo CD makes of ApplicationSets, made here as far as files tell."""

from __future__ import annotations

from dataclasses import replace

from modelyard.checking.revisions import Revisions
from modelyard.cluster import GitGenerator, UntoldError, made_by, things
from modelyard.findings import NotChecked
from modelyard.rendering import Rendering, Resource
from modelyard.repository import EnvironmentFolder, Files
from modelyard.repository.repository import WHOLE


def with_made(folder: EnvironmentFolder, root: Rendering, revisions: Revisions, gaps: list[NotChecked]) -> Rendering:
    """Return an app-of-apps with the Applications that its ApplicationSets make.

    Args:
        folder: The environment.
        root: What its app-of-apps renders to.
        revisions: The repository at the revisions that generators look at.
        gaps: ApplicationSets that files do not tell enough of are added to it.
    """
    made: list[Resource] = []
    sets = tuple(each for each in root.resources if each.value.get("kind") == "ApplicationSet")
    for thing in things(revisions.repository, replace(root, resources=sets)):
        if thing.group != "argoproj.io":
            continue
        try:
            found = made_by(thing, lambda generator: _files(generator, folder, revisions))
        except UntoldError as unknown:
            reason = f"its Applications are made by Argo CD: {unknown}"
            gaps.append(NotChecked(f"ApplicationSet {thing.name}", reason, environment=folder.name))
            continue
        made.extend(replace(thing.resource, value=each, verdict=None, made_by=thing.name) for each in found)
    return replace(root, resources=(*root.resources, *made)) if made else root


def _files(generator: GitGenerator, folder: EnvironmentFolder, revisions: Revisions) -> Files:
    """Return the files that a generator looks through; what it finds here tells that the repository is this one."""
    own = folder.facts.get("repository")
    at_revision = revisions.at(str(generator.value.get("revision") or ""))
    if isinstance(at_revision, str):
        raise UntoldError(at_revision)
    is_own = generator.repository == own if own else folder.path == WHOLE and bool(generator.found(at_revision.files))
    if not is_own:
        raise UntoldError(f"it looks in {generator.repository}")
    return at_revision.files
