"""Which folders and charts an environment's Applications read, and which of them cannot be rendered here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from modelyard.checking.application_sets import expand_application_sets
from modelyard.checking.plain import directory_options, manifest_files
from modelyard.checking.plain import own_urls as plain_urls
from modelyard.checking.revisions import Revisions
from modelyard.checking.views import ChartFolder, PlannedApplication, RenderPlan, RenderRequest
from modelyard.findings import NotChecked
from modelyard.rendering import Rendering, Resource
from modelyard.repository import EnvironmentFolder, Kustomization, Repository, kustomization_file
from modelyard.repository.layout import CHART, WHOLE
from modelyard.view import Manifest, Source, manifests, own_folders, sources
from modelyard.wording import join_and

BOOTSTRAP = "bootstrap"
# Of definitions that tools write out, Kustomize builds some 300 KB a second; a repository that is read folder by folder
# may hold dozens of overlays with all of them, and a bundle for each release.
MOST_BYTES = 2_000_000
Chosen = Callable[[str, Manifest], bool]

# What Argo CD may add to a folder's kustomization without changing what the folder's objects refer to.
_HARMLESS = frozenset({"images", "version", "commonAnnotations", "commonAnnotationsEnvsubst", "forceCommonAnnotations"})


def roots(folders: Iterable[EnvironmentFolder], repository: Repository) -> list[str]:
    """Return the targets that say what an environment consists of: its app-of-apps and its bootstrap."""
    found = []
    for folder in folders:
        if folder.path == WHOLE:
            continue  # its Applications lie in files, which nothing renders
        found.append(folder.path)
        bootstrap = f"{folder.path}/{BOOTSTRAP}"
        if kustomization_file(repository.files, bootstrap):
            found.append(bootstrap)
    return found


def plan(
    folder: EnvironmentFolder,
    rendered: dict[str, Rendering],
    revisions: Revisions,
    chosen: Chosen | None = None,
) -> RenderPlan:
    """Return what an environment's Applications point at.

    Args:
        folder: The environment.
        rendered: Renderings of its app-of-apps and bootstrap by target.
        revisions: The repository at the revisions that Applications follow.
        chosen: From the environment's name and an Application to whether it is rendered; None renders all.
    """
    repository = revisions.repository
    if folder.target is not None:
        return _alone(folder, folder.target, repository)
    root, gaps = expand_application_sets(folder, rendered[folder.path], revisions)
    own = manifests(repository, root)
    urls = _own_urls(folder, repository, own)
    bootstrap = rendered.get(f"{folder.path}/{BOOTSTRAP}")
    unknown = str(gaps[0].subject) if gaps else ""
    first, waiting = _parents_first(own, repository, urls) if folder.path == WHOLE else (own, ())
    made = RenderPlan(folder, root, own, bootstrap, (), (), gaps, urls, unknown, waiting)
    return _with_applications(made, first, revisions, chosen)


def _alone(folder: EnvironmentFolder, target: str, repository: Repository) -> RenderPlan:
    """Return the plan of a folder that is checked by itself, as if an Application read it."""
    value = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": folder.name},
        "spec": {"project": "default", "source": {"path": target}, "destination": {}},
    }
    manifest = Manifest(repository, target, Resource(value))
    source = Source(value["spec"]["source"], ("spec", "source"))  # type: ignore[index]
    gaps: tuple[NotChecked, ...] = ()
    size = _size(repository, source) if repository.scope != target else 0
    if size > MOST_BYTES:
        where = f"application {target}"
        reason = f"it reads {size / 1e6:.1f} MB of YAML, and is built only where it is asked for by itself"
        child = PlannedApplication(manifest, left_out=where)
        gaps = (
            NotChecked(where, reason, f"modelyard check {target}", environment=folder.name, application=folder.name),
        )
    elif _is_chart(repository, source):
        child = PlannedApplication(manifest, charts=(ChartFolder(source, repository),))
    else:
        child = PlannedApplication(manifest, (RenderRequest(repository, target),))
    return RenderPlan(folder, Rendering(WHOLE), (), None, (child,), (), gaps, unknown="what is not in this folder")


def _size(repository: Repository, source: Source) -> int:
    """Return how many bytes of YAML a kustomization, a chart or a folder of plain manifests is made of."""
    files, folder = repository.files, source.folder
    if kustomization_file(files, folder):
        paths: Iterable[str] = repository.kustomizations.tree(folder).inputs
    elif _is_chart(repository, source):
        paths = (each for each in files.below(("yaml", "yml", "json")) if each.startswith(f"{folder}/"))
    else:
        paths = manifest_files(files, folder, directory_options(source))
    return sum(len(files.read(path)) for path in paths if files.is_file(path))


def _parents_first(
    found: Iterable[Manifest], repository: Repository, own_urls: frozenset[str] | None
) -> tuple[tuple[Manifest, ...], tuple[Manifest, ...]]:
    """Return the Applications in files that read folders with Applications, and the others.

    What a parent brings is what its folder renders to, which is not always what lies in its files: a kustomization may
    change it, or leave it out.
    """
    applications = [each for each in found if _is_application(each)]
    files = {each.resource.origin for each in applications if each.resource.origin}
    first: list[Manifest] = []
    for each in applications:
        read: set[str] = set()
        for source in own_folders(each, own_urls):
            read.update(_files_of(repository, source))
        if (read & files) - {each.resource.origin}:
            first.append(each)
    return tuple(first), tuple(each for each in applications if each not in first)


def _files_of(repository: Repository, source: Source) -> Iterable[str]:
    files = repository.files
    if kustomization_file(files, source.folder):
        return repository.kustomizations.tree(source.folder).inputs
    return manifest_files(files, source.folder, directory_options(source))


def followed(
    made: RenderPlan,
    rendered: Mapping[RenderRequest, Rendering],
    charts: Mapping[str, Rendering],
    revisions: Revisions,
    chosen: Chosen | None = None,
) -> RenderPlan:
    """Return a plan with the Applications among what its Applications bring, as an app-of-apps does.

    Args:
        made: The plan; returned as it is when nothing new is among them.
        rendered: Renderings of its folders.
        charts: What its charts rendered to, by Application.
        revisions: The repository at the revisions that Applications follow.
        chosen: As for `plan`.
    """
    known = {child.application.name for child in made.children} | {each.name for each in made.unread}
    found: list[Manifest] = []
    gaps = list(made.gaps)
    for child in made.children:
        name = child.application.name
        renderings = [(request.repository, rendered[request]) for request in child.requests]
        if name in charts:
            renderings.append((revisions.repository, charts[name]))
        for repository, rendering in renderings:
            expanded, of_sets = expand_application_sets(made.folder, rendering, revisions)
            gaps.extend(each for each in of_sets if each not in gaps)
            for manifest in manifests(repository, expanded, name):
                if _is_application(manifest) and manifest.name not in known:
                    known.add(manifest.name)
                    found.append(manifest)
    if not found and len(gaps) == len(made.gaps):
        if not made.waiting:
            return made
        brought = {child.application.resource.origin for child in made.children if child.application.application}
        waiting = [each for each in made.waiting if each.resource.origin not in brought]
        return _with_applications(replace(made, waiting=()), waiting, revisions, chosen)
    unknown = made.unknown or next((str(each.subject) for each in gaps[len(made.gaps) :]), "")
    urls = made.own_urls
    if made.folder.target is not None:
        # A folder by itself is read from no address; the Applications that it brings name theirs.
        urls = frozenset({"", *(urls or ()), *plain_urls(revisions.repository, found)})
    further = replace(made, gaps=tuple(gaps), unknown=unknown, own_urls=urls)
    return _with_applications(further, found, revisions, chosen)


def _is_application(manifest: Manifest) -> bool:
    return manifest.kind == "Application" and manifest.group == "argoproj.io"


def _with_applications(
    made: RenderPlan, found: Iterable[Manifest], revisions: Revisions, chosen: Chosen | None
) -> RenderPlan:
    children = list(made.children)
    unread = list(made.unread)
    gaps = list(made.gaps)
    known = {child.application.name: child.application for child in children}
    for manifest in found:
        if not _is_application(manifest):
            continue
        if chosen is not None and not chosen(made.folder.name, manifest):
            unread.append(manifest)
            continue
        if made.folder.path == WHOLE and manifest.name in known:
            gaps.append(_second(manifest, known[manifest.name], made.folder.name))
            continue
        changer = _changed_by(manifest, revisions.repository) if made.folder.path == WHOLE else ""
        if changer:
            where = f"application {manifest.name} of {manifest.resource.origin}"
            reason = f"{changer} changes it, to which no Application that was read leads"
            gaps.append(NotChecked(where, reason, environment=made.folder.name))
            continue
        known[manifest.name] = manifest
        child, of_child = _planned(manifest, made, revisions)
        children.append(child)
        gaps.extend(of_child)
    children.sort(key=lambda child: child.application.name)
    return replace(made, children=tuple(children), unread=tuple(unread), gaps=tuple(gaps))


_TRANSFORMERS = ("patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "vars", "components")


def _changed_by(manifest: Manifest, repository: Repository) -> str:
    """Return a kustomization that changes an Application as it lies in its file; empty where none does.

    An Application that a folder brings has been through that folder's kustomizations already. A kustomization changes
    what it reads itself: what one of its resources does to its own resources is no matter for the others.
    """
    origin = manifest.resource.origin
    if manifest.application or not origin:
        return ""
    for folder in repository.kustomization_folders:
        tree = repository.kustomizations.tree(folder)
        if origin in tree.inputs and any(_changes(layer, manifest) for layer in tree.layers if layer.folder == folder):
            return folder
    return ""


def _changes(layer: Kustomization, manifest: Manifest) -> bool:
    """Return whether a kustomization may change an Application or its generator; a patch for another kind does not."""
    return any(
        not (field == "patches" and _is_for_another_kind(entry, manifest))
        for field in _TRANSFORMERS
        for entry in layer.entries(field)
    )


def _is_for_another_kind(patch: object, manifest: Manifest) -> bool:
    target = patch.get("target") if isinstance(patch, dict) else None
    kind = target.get("kind") if isinstance(target, dict) else None
    # Kustomize reads the kind as a pattern; a plain name is compared.
    return isinstance(kind, str) and kind.isalpha() and kind not in (manifest.kind, "ApplicationSet")


def _second(manifest: Manifest, first: Manifest, environment: str) -> NotChecked:
    """Return that an Application was not looked at because another one has its name: theirs are two clusters."""
    return NotChecked(
        f"application {manifest.name} of {manifest.at(('metadata', 'name')).place()}",
        f"{first.at(('metadata', 'name')).place()} is read, which has the same name",
        "check a folder with one of the two: modelyard check FOLDER",
        environment=environment,
    )


def _planned(
    manifest: Manifest, made: RenderPlan, revisions: Revisions
) -> tuple[PlannedApplication, tuple[NotChecked, ...]]:
    gaps = list(_outside(manifest, made.own_urls, made.folder.name))
    requests: list[RenderRequest] = []
    charts: list[ChartFolder] = []
    left_out = ""

    def leave_out(what: str, reason: str) -> None:
        nonlocal left_out
        left_out = left_out or what
        gaps.append(NotChecked(what, reason, environment=made.folder.name, application=manifest.name))

    for source in own_folders(manifest, made.own_urls):
        at_revision = revisions.at(source.revision)
        where = f"{source.folder or '.'} of application {manifest.name}"
        if isinstance(at_revision, str):
            leave_out(f"application {manifest.name}", at_revision)
        elif source.kustomize.keys() - _HARMLESS:
            leave_out(where, f"{_named(source.kustomize.keys() - _HARMLESS)} of source.kustomize are not applied here")
        elif _is_chart(at_revision, source):
            charts.append(ChartFolder(source, at_revision))
        elif source.value.get("plugin"):
            leave_out(where, "a plugin of Argo CD makes its manifests")
        else:
            requests.append(RenderRequest(at_revision, source.folder))
            if source.kustomize.get("images"):
                gaps.append(
                    NotChecked(
                        f"images of application {manifest.name}",
                        "source.kustomize.images changes them, and is not applied here",
                        environment=made.folder.name,
                        application=manifest.name,
                    )
                )
    return PlannedApplication(manifest, tuple(requests), tuple(charts), left_out), tuple(gaps)


def _named(fields: Iterable[str]) -> str:
    return join_and(sorted(fields))


def _is_chart(repository: Repository, source: Source) -> bool:
    files, folder = repository.files, source.folder
    return files.is_file(f"{folder}/{CHART}" if folder else CHART) and kustomization_file(files, folder) is None


def _own_urls(folder: EnvironmentFolder, repository: Repository, found: Iterable[Manifest]) -> frozenset[str] | None:
    url = folder.facts.get("repository")
    if isinstance(url, str) and url:
        return frozenset({url})
    return None if repository.is_generated else plain_urls(repository, found)


def _outside(manifest: Manifest, own_urls: frozenset[str] | None, environment_name: str) -> Iterator[NotChecked]:
    for source in sources(manifest):
        if source.folder and not source.chart and own_urls is not None and source.repository not in own_urls:
            yield NotChecked(
                f"{source.folder} of {source.repository}",
                "another repository",
                environment=environment_name,
                application=manifest.name,
            )
