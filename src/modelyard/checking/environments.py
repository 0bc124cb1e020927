"""The environments of a repository, rendered: their views, and what could not be rendered or held against schemas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from modelyard.checking.application_sets import expand_application_sets
from modelyard.checking.charts import Charts
from modelyard.checking.gaps import engine_gaps, schema_gaps
from modelyard.checking.options import CheckOptions, Progress, silent
from modelyard.checking.plain import applications_in_files, is_plain, is_recursive, plain_folder
from modelyard.checking.revisions import Revisions
from modelyard.checking.stage import RenderPipeline
from modelyard.checking.tools import CheckContext, by_version, folders
from modelyard.checking.views import RenderPlan, RenderRequest, beside_charts, environment, plan, roots
from modelyard.findings import NotChecked
from modelyard.rendering import Rendering
from modelyard.repository import EnvironmentFolder, Repository
from modelyard.repository.layout import WHOLE
from modelyard.tooling.streaming import LineProcess
from modelyard.view import Environment, Manifest, TerraformReader


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
            charts = context.charts(version)
            plans, children = _rendered(group, stage, charts, revisions, progress, chosen)
            of_charts = [charts.render(each, revisions, beside_charts(each, children)) for each in plans]
        for each, chart_renderings in zip(plans, of_charts, strict=True):
            view = environment(each, children, chart_renderings.by_application, repository, terraform)
            gaps = (*chart_renderings.gaps, *each.gaps, *schema_gaps(view, version), *engine_gaps(view))
            rendered.append(RenderedEnvironment(view, gaps))
    return RenderedEnvironments(tuple(sorted(rendered, key=lambda each: each.view.name)), context.gaps)


def _rendered(
    group: Sequence[EnvironmentFolder],
    stage: RenderPipeline,
    charts: Charts,
    revisions: Revisions,
    progress: Progress,
    chosen: Callable[[str, Manifest], bool] | None,
) -> tuple[list[RenderPlan], dict[RenderRequest, Rendering]]:
    """Return what environments of one Kubernetes version consist of, and what their folders render to."""
    repository = revisions.repository
    of_roots = _run(stage, repository, roots(group, repository), progress, "environments")
    is_whole = any(folder.path == WHOLE for folder in group)
    if is_whole:
        of_roots[WHOLE] = applications_in_files(repository)
    plans = [plan(folder, of_roots, revisions, chosen) for folder in group]
    targets: dict[Repository, list[str]] = {}
    deep: set[RenderRequest] = set()
    for child in chain.from_iterable(each.children for each in plans):
        if child.request is not None:
            targets.setdefault(child.request.repository, []).append(child.request.target)
            deep.update([child.request] if is_recursive(child.application) else ())
    children: dict[RenderRequest, Rendering] = {}
    for at_revision, of_revision in targets.items():
        plain = [target for target in of_revision if is_whole and is_plain(at_revision, target)]
        built = _run(stage, at_revision, [each for each in of_revision if each not in plain], progress, "applications")
        children.update({RenderRequest(at_revision, target): rendering for target, rendering in built.items()})
        for target in plain:
            request = RenderRequest(at_revision, target)
            children[request] = plain_folder(at_revision, target, charts.validator, recurse=request in deep)
    return plans, children


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
