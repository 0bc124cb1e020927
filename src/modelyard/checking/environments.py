"""The environments of a repository, rendered: their views, and what could not be rendered or held against schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from modelyard.checking.application_sets import expand_application_sets
from modelyard.checking.charts import ChartRenderings, Charts
from modelyard.checking.clusters import by_cluster
from modelyard.checking.coverage import unreached
from modelyard.checking.gaps import engine_gaps, inner_gaps, schema_gaps
from modelyard.checking.options import CheckOptions, Progress, silent
from modelyard.checking.plain import DirectoryOptions, applications_in_files, directory_options, is_plain, plain_folder
from modelyard.checking.planning import followed, plan, roots
from modelyard.checking.revisions import Revisions
from modelyard.checking.stage import RenderPipeline
from modelyard.checking.tools import CheckContext, by_version, folders
from modelyard.checking.views import PlannedApplication, RenderPlan, RenderRequest, beside_charts, environment
from modelyard.findings import NotChecked
from modelyard.rendering import Rendering
from modelyard.repository import EnvironmentFolder, Repository
from modelyard.repository.layout import WHOLE
from modelyard.tooling.streaming import LineProcess
from modelyard.view import Environment, Manifest, Source, TerraformReader, own_folders

_GENERATIONS = 6
"""How many times Applications are looked for in what Applications bring."""


@dataclass(frozen=True, slots=True)
class RenderedEnvironment:
    """One environment.

    Attributes:
        view: The environment.
        gaps: What of it could not be rendered, or not be held against schemas.
    """

    view: Environment
    gaps: tuple[NotChecked, ...] = ()


@dataclass(frozen=True, slots=True)
class RenderedEnvironments:
    """The environments that were asked for, in order of name.

    Attributes:
        environments: Each with its gaps.
        gaps: What is not checked of any of them, for lack of a tool or of something fetched.
    """

    environments: tuple[RenderedEnvironment, ...]
    gaps: tuple[NotChecked, ...] = ()

    @property
    def views(self) -> tuple[Environment, ...]:
        """Return the environments."""
        return tuple(each.view for each in self.environments)

    @property
    def all_gaps(self) -> tuple[NotChecked, ...]:
        """Return everything that could not be rendered, or not be held against schemas."""
        return (*self.gaps, *chain.from_iterable(each.gaps for each in self.environments))


def environments(
    repository: Repository,
    options: CheckOptions | None = None,
    progress: Progress = silent,
    chosen: Callable[[str, Manifest], bool] | None = None,
    *,
    context: CheckContext | None = None,
    prestarted: LineProcess | None = None,
    eager: bool = False,
) -> RenderedEnvironments:
    """Return the view of each environment to check.

    Args:
        repository: The repository.
        options: What to check, and how; everything when None.
        progress: Told how far it is.
        chosen: From an environment's name and an Application to whether it is rendered; None renders all.
        context: That of an earlier call with the same repository and options; made when None.
        prestarted: A renderer that was started already, of `prestart_renderer`; for a `context` that is made here.
        eager: Whether everything is sure to be asked for, so that the renderer is started before it is known what it
            renders, and Terraform is read beside the rendering.

    Raises:
        UserError: The folder holds no environment, a named one does not exist, or a required tool is missing.
    """
    options = options or CheckOptions()
    wanted = folders(repository, options)
    terraform = TerraformReader(repository.files, options.plans, wanted)
    for folder in wanted if eager else ():
        terraform.start(folder)
    context = context or CheckContext(repository, options, prestarted)
    revisions = Revisions(repository)
    rendered: list[RenderedEnvironment] = []
    for version, group in by_version(wanted, options).items():
        stage = context.stage(version)
        with stage.ready(repository) if eager else nullcontext():
            of_group = _rendered(group, stage, context.charts(version), revisions, progress, chosen)
        rendered.extend(_viewed(of_group, version, revisions, terraform, options))
    return RenderedEnvironments(tuple(sorted(rendered, key=lambda each: each.view.name)), context.gaps)


def environments_of(
    folder: EnvironmentFolder,
    context: CheckContext,
    charts: Charts,
    revisions: Revisions,
    options: CheckOptions,
    progress: Progress = silent,
) -> tuple[RenderedEnvironment, ...]:
    """Return what one folder is by itself: an environment, or one for each cluster that its Applications fill.

    Args:
        folder: The folder, of the repository that `revisions` is of.
        context: What renders, with the renderer ready.
        charts: What renders its charts.
        revisions: The repository.
        options: What to check, and how; without plans.
        progress: Told how far it is.
    """
    terraform = TerraformReader(revisions.repository.files, (), [folder])
    terraform.start(folder)
    version = next(iter(by_version([folder], options)))
    rendered = _rendered([folder], context.stage(version), charts, revisions, progress, None)
    return tuple(_viewed(rendered, version, revisions, terraform, options))


def _viewed(
    rendered: tuple[list[RenderPlan], dict[RenderRequest, Rendering], list[ChartRenderings]],
    version: str,
    revisions: Revisions,
    terraform: TerraformReader,
    options: CheckOptions,
) -> Iterator[RenderedEnvironment]:
    plans, children, of_charts = rendered
    for each, chart_renderings in zip(plans, of_charts, strict=True):
        not_seen = tuple(unreached(each, chart_renderings, revisions))
        gaps = (*chart_renderings.gaps, *each.gaps, *not_seen)
        for made, its_gaps in by_cluster(each, gaps):
            view = environment(made, children, chart_renderings.by_application, revisions.repository, terraform)
            of_schemas = schema_gaps(view, version, options.kubernetes_version)
            yield RenderedEnvironment(view, (*its_gaps, *of_schemas, *engine_gaps(view), *inner_gaps(view)))


def _rendered(
    group: Sequence[EnvironmentFolder],
    stage: RenderPipeline,
    charts: Charts,
    revisions: Revisions,
    progress: Progress,
    chosen: Callable[[str, Manifest], bool] | None,
) -> tuple[list[RenderPlan], dict[RenderRequest, Rendering], list[ChartRenderings]]:
    """Return what environments of one Kubernetes version consist of, and what their folders and charts render to.

    Applications that a folder or a chart brings are followed in their turn.
    """
    repository = revisions.repository
    of_roots = _run(stage, repository, roots(group, repository), progress, "environments")
    if any(folder.path == WHOLE for folder in group):
        of_roots[WHOLE] = applications_in_files(repository)
    plans = [plan(folder, of_roots, revisions, chosen) for folder in group]
    children: dict[RenderRequest, Rendering] = {}
    for _ in range(_GENERATIONS):
        children.update(_children(plans, children, stage, charts, repository, progress))
        of_charts = [charts.render(each, revisions, beside_charts(each, children)) for each in plans]
        further = [
            followed(each, children, brought.by_application, revisions, chosen)
            for each, brought in zip(plans, of_charts, strict=True)
        ]
        if all(one is other for one, other in zip(further, plans, strict=True)):
            break
        plans = further
    else:
        plans = [_cut_short(each, children) for each in plans]
    return plans, children, of_charts


def _cut_short(made: RenderPlan, rendered: Mapping[RenderRequest, Rendering]) -> RenderPlan:
    """Return a plan without the folders that nobody rendered, since Applications bring Applications without an end."""
    kept, gaps = [], list(made.gaps)
    for child in made.children:
        requests = tuple(each for each in child.requests if each in rendered)
        if requests != child.requests:
            name = child.application.name
            reason = f"it is brought by {_GENERATIONS} Applications, one by the other"
            gaps.append(NotChecked(f"application {name}", reason, environment=made.folder.name, application=name))
            child = replace(child, requests=requests, left_out=f"application {name}")
        kept.append(child)
    return replace(made, children=tuple(kept), gaps=tuple(gaps))


def _children(
    plans: Sequence[RenderPlan],
    known: Mapping[RenderRequest, Rendering],
    stage: RenderPipeline,
    charts: Charts,
    repository: Repository,
    progress: Progress,
) -> dict[RenderRequest, Rendering]:
    """Return what the folders of Applications render to that are not known yet."""
    wanted: dict[Repository, dict[str, DirectoryOptions | None]] = {}
    for made in plans:
        for child in made.children:
            for request, source in zip(child.requests, _sources(child, made), strict=True):
                if request in known:
                    continue
                # The template's folders are kustomizations, and one that is none is a mistake that is told as such.
                plain = made.folder.path == WHOLE and is_plain(request.repository, request.target)
                options = directory_options(source) if plain else None
                wanted.setdefault(request.repository, {})[request.target] = options
    found: dict[RenderRequest, Rendering] = {}
    for at_revision, targets in wanted.items():
        built = _run(
            stage, at_revision, [each for each, said in targets.items() if said is None], progress, "applications"
        )
        for target, rendering in built.items():
            found[RenderRequest(at_revision, target)] = rendering
        for target, said in targets.items():
            if said is not None:
                found[RenderRequest(at_revision, target)] = plain_folder(at_revision, target, charts.validator, said)
    return found


def _sources(child: PlannedApplication, made: RenderPlan) -> list[Source]:
    """Return the source of each folder that an Application asks for."""
    if made.folder.target is not None:
        return [Source({"path": request.target}, ("spec", "source")) for request in child.requests]
    folders = {source.folder: source for source in own_folders(child.application, made.own_urls)}
    return [folders[request.target] for request in child.requests]


def _run(
    stage: RenderPipeline, repository: Repository, targets: Sequence[str], progress: Progress, name: str
) -> dict[str, Rendering]:
    total = len(set(targets))
    return stage.run(repository, targets, lambda done: progress(name, done, total))


def application_names(root: Path) -> dict[str, list[str]]:
    """Return the names of each environment's Applications; renders the app-of-apps only.

    Raises:
        UserError: The folder holds no environment, or a required tool is missing.
    """
    repository = Repository(root)
    options = CheckOptions()
    wanted = folders(repository, options)
    context = CheckContext(repository, options)
    rendered: dict[str, Rendering] = {}
    for version, group in by_version(wanted, options).items():
        of_roots = [folder.path for folder in group if folder.path != WHOLE]
        rendered.update(context.stage(version).run(repository, of_roots))
    if len(rendered) < len(wanted):
        rendered[WHOLE] = applications_in_files(repository)
    revisions = Revisions(repository)
    names: dict[str, list[str]] = {}
    for folder in wanted:
        with_applications, _ = expand_application_sets(folder, rendered[folder.path], revisions)
        names[folder.name] = sorted(
            str(resource.value["metadata"]["name"])
            for resource in with_applications.resources
            if resource.value.get("kind") == "Application"
        )
    return names
