"""From an environment's folder to the view that rules read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.findings import NotChecked
from modelyard.rendering import Rendering
from modelyard.repository import EnvironmentFolder, Repository
from modelyard.view import Application, Environment, Manifest, Source, TerraformReader, manifests


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
class ChartFolder:
    """A chart of Helm in a folder of the repository that an Application reads.

    Attributes:
        source: The source of the Application.
        repository: The repository at the source's revision.
    """

    source: Source
    repository: Repository


@dataclass(frozen=True, slots=True)
class PlannedApplication:
    """An Application of an environment.

    Attributes:
        application: The Application.
        requests: The folders that it reads here, in order of its sources.
        charts: The charts among its folders.
        left_out: What of it is in this repository and cannot be rendered, in words; empty when nothing is.
    """

    application: Manifest
    requests: tuple[RenderRequest, ...] = ()
    charts: tuple[ChartFolder, ...] = ()
    left_out: str = ""


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
        own_urls: Addresses under which this repository is read; None where any Git source is a folder of it.
        unknown: What may bring more Applications than are known, in words; empty when nothing does.
        waiting: Applications in files, which are read when those that others bring are known.
    """

    folder: EnvironmentFolder
    root: Rendering
    manifests: tuple[Manifest, ...]
    bootstrap: Rendering | None
    children: tuple[PlannedApplication, ...]
    unread: tuple[Manifest, ...]
    gaps: tuple[NotChecked, ...]
    own_urls: frozenset[str] | None = None
    unknown: str = ""
    waiting: tuple[Manifest, ...] = ()


def beside_charts(made: RenderPlan, rendered: Mapping[RenderRequest, Rendering]) -> list[Rendering]:
    """Return what an environment consists of besides its charts.

    Args:
        made: What the environment consists of.
        rendered: Renderings of folders.
    """
    of_children = [rendered[request] for child in made.children for request in child.requests]
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
    applications = [Application(manifest) for manifest in made.unread]
    applications += [_application(child, rendered, charts, repository) for child in made.children]
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
        made.unknown,
        made.own_urls,
    )


def _application(
    child: PlannedApplication,
    rendered: Mapping[RenderRequest, Rendering],
    charts: Mapping[str, Rendering],
    repository: Repository,
) -> Application:
    manifest, requests = child.application, child.requests
    chart = charts.get(manifest.name, Rendering("", cached=True))
    folders = [(request, rendered[request]) for request in requests]
    resources = [each for request, own in folders for each in manifests(request.repository, own, manifest.name)]
    first = requests[0] if requests else None
    return Application(
        manifest,
        (*resources, *manifests(repository, chart, manifest.name)),
        (*(error for _, own in folders for error in own.errors), *chart.errors),
        first.target or None if first else None,
        chart.cached and all(own.cached for _, own in folders),
        first.repository if first else repository,
        tuple(request.target for request in requests[1:]),
        child.left_out,
        tuple(each.source.folder for each in child.charts) if manifest.name in charts else (),
    )
