"""From an environment's folder to the view that rules read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from modelyard.checking.application_sets import expand_application_sets
from modelyard.checking.plain import own_urls as plain_urls
from modelyard.checking.revisions import Revisions
from modelyard.findings import NotChecked
from modelyard.rendering import Rendering
from modelyard.repository import EnvironmentFolder, Repository, kustomization_file
from modelyard.repository.layout import WHOLE
from modelyard.view import Application, Environment, Manifest, Source, TerraformReader, manifests, own_folder, sources

BOOTSTRAP = "bootstrap"


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """A folder to render, of the repository at some revision.

    Attributes:
        repository: The repository at that revision.
        target: The folder.
    """

    repository: Repository
    target: str


@dataclass(frozen=True, slots=True)
class PlannedApplication:
    """An Application of an environment.

    Attributes:
        application: The Application.
        request: The folder that it reads; None for one that reads none here.
    """

    application: Manifest
    request: RenderRequest | None = None


@dataclass(frozen=True, slots=True)
class RenderPlan:
    """What must be rendered for one environment's Applications.

    Attributes:
        folder: The environment.
        root: Rendering of its app-of-apps.
        manifests: What that holds.
        bootstrap: Rendering of what install.sh applies, None where there is none.
        children: The Applications that are asked for, in order of name.
        unread: Applications that nobody asked for; they are in the view without resources.
        gaps: What cannot be rendered here, and why.
    """

    folder: EnvironmentFolder
    root: Rendering
    manifests: tuple[Manifest, ...]
    bootstrap: Rendering | None
    children: tuple[PlannedApplication, ...]
    unread: tuple[Manifest, ...]
    gaps: tuple[NotChecked, ...]


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
    chosen: Callable[[str, Manifest], bool] | None = None,
) -> RenderPlan:
    """Return what an environment's Applications point at.

    Args:
        folder: The environment.
        rendered: Renderings of its app-of-apps and bootstrap by target.
        revisions: The repository at the revisions that Applications follow.
        chosen: From the environment's name and an Application to whether it is rendered; None renders all.
    """
    repository = revisions.repository
    root, unresolved = expand_application_sets(folder, rendered[folder.path], revisions)
    gaps = list(unresolved)
    own = manifests(repository, root)
    own_urls = _own_urls(folder, repository, own)
    children: list[PlannedApplication] = []
    unread: list[Manifest] = []
    for manifest in own:
        if manifest.kind != "Application" or manifest.group != "argoproj.io":
            continue
        if chosen is not None and not chosen(folder.name, manifest):
            unread.append(manifest)
            continue
        gaps.extend(_outside(manifest, own_urls, folder.name))
        source = own_folder(manifest, own_urls)
        request: RenderRequest | None = None
        if source is not None:
            at_revision = revisions.at(source.revision)
            if isinstance(at_revision, str):
                subject = f"application {manifest.name}"
                gaps.append(NotChecked(subject, at_revision, environment=folder.name, application=manifest.name))
            else:
                request = RenderRequest(at_revision, source.folder)
        children.append(PlannedApplication(manifest, request))
    children.sort(key=lambda child: child.application.name)
    bootstrap = rendered.get(f"{folder.path}/{BOOTSTRAP}")
    return RenderPlan(folder, root, own, bootstrap, tuple(children), tuple(unread), tuple(gaps))


def beside_charts(made: RenderPlan, rendered: Mapping[RenderRequest, Rendering]) -> list[Rendering]:
    """Return what an environment consists of besides its charts.

    Args:
        made: What the environment consists of.
        rendered: Renderings of folders.
    """
    of_children = [rendered[child.request] for child in made.children if child.request is not None]
    return [made.root, *([made.bootstrap] if made.bootstrap else []), *of_children]


def environment(
    made: RenderPlan,
    rendered: Mapping[RenderRequest, Rendering],
    charts: Mapping[str, Rendering],
    repository: Repository,
    terraform: TerraformReader,
) -> Environment:
    """Return the view of an environment whose Applications have been rendered.

    Args:
        made: What the environment consists of.
        rendered: Renderings of folders.
        charts: What charts rendered to, by Application.
        repository: The repository's working tree.
        terraform: What reads its Terraform, when a rule first asks for it.
    """
    nothing = Rendering("", cached=True)
    applications = [Application(manifest) for manifest in made.unread]
    for child in made.children:
        manifest, request = child.application, child.request
        at_revision = request.repository if request else repository
        own = rendered[request] if request else nothing
        chart = charts.get(manifest.name, nothing)
        applications.append(
            Application(
                manifest,
                manifests(at_revision, own, manifest.name) + manifests(repository, chart, manifest.name),
                own.errors + chart.errors,
                request.target or None if request else None,
                own.cached and chart.cached,
                at_revision,
            )
        )
    applications.sort(key=lambda application: application.name)
    errors = made.root.errors + (made.bootstrap.errors if made.bootstrap else ())
    bootstrap = manifests(repository, made.bootstrap) if made.bootstrap else ()
    return Environment(
        repository,
        made.folder,
        made.manifests,
        tuple(applications),
        errors,
        bootstrap,
        lambda: terraform.reading(made.folder),
    )


def _own_urls(folder: EnvironmentFolder, repository: Repository, found: Iterable[Manifest]) -> frozenset[str]:
    if folder.path == WHOLE:
        return plain_urls(repository, found)
    url = folder.facts.get("repository")
    return frozenset({url}) if isinstance(url, str) and url else frozenset()


def _outside(manifest: Manifest, own_urls: frozenset[str], environment_name: str) -> Iterable[NotChecked]:
    for source in sources(manifest):
        if not source.chart and _foreign(source, own_urls):
            yield NotChecked(
                f"{source.folder} of {source.repository}",
                "another repository",
                environment=environment_name,
                application=manifest.name,
            )


def _foreign(source: Source, own_urls: frozenset[str]) -> bool:
    return bool(own_urls) and bool(source.folder) and source.repository not in own_urls
