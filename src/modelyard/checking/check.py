"""One check of a repository, from files to a report."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from modelyard.checking.application_sets import expand_application_sets
from modelyard.checking.charts import Charts
from modelyard.checking.gaps import schema_gaps
from modelyard.checking.options import CheckOptions, Progress
from modelyard.checking.plain import applications_in_files, is_plain, is_recursive, plain_folder
from modelyard.checking.revisions import Revisions
from modelyard.checking.showing import Showing
from modelyard.checking.stage import RenderPipeline
from modelyard.checking.tools import CheckContext
from modelyard.checking.views import RenderPlan, beside_charts, environment, plan, roots
from modelyard.checking.waivers import apply_waivers
from modelyard.findings import (
    EnvironmentSummary,
    Finding,
    NotChecked,
    Report,
    Severity,
    UserError,
)
from modelyard.policies import Policy, load_policies
from modelyard.policies.loading import policy_files
from modelyard.policies.trust import VARIABLE, may_run
from modelyard.rendering import Identity, Rendering, ResourceAddress
from modelyard.repository import EnvironmentFolder, FileAddress, Repository
from modelyard.repository.layout import WHOLE
from modelyard.rules import Rule, rules
from modelyard.tooling.renderer import prestart_renderer
from modelyard.tooling.streaming import LineProcess
from modelyard.view import Environment, Manifest, ServedModel, TerraformReader

FAILED_BUILD = "kustomize/failed-build"
"""The rule of targets whose resources nobody knows."""


def _silent(stage: str, done: int, total: int) -> None:
    return


def check(root: Path, options: CheckOptions | None = None, progress: Progress = _silent) -> Report:
    """Check a GitOps repository.

    Args:
        root: The repository's folder.
        options: What to check, and how; everything when None.
        progress: Told how far the check is.

    Returns:
        Findings and gaps, waivers applied.

    Raises:
        UserError: The folder holds no environment, a named environment or application does not exist, a required tool
            is missing, or `modelyard.yaml` cannot be read.
    """
    options = options or CheckOptions()
    # A hundred modules, loaded while another process renders. Layers import in one direction, so none waits for ever.
    threading.Thread(target=rules, name="rules", daemon=True).start()
    repository = Repository(root)
    with nullcontext() if options.backend == "processes" else prestart_renderer() as prestarted:
        return check_repository(repository, options, progress, tools=CheckContext(repository, options, prestarted))


def check_repository(
    repository: Repository, options: CheckOptions, progress: Progress = _silent, *, tools: CheckContext
) -> Report:
    """Check a repository that has been opened, with tools that may be kept from one check to the next.

    Args:
        repository: The repository.
        options: What to check, and how.
        progress: Told how far the check is.
        tools: What renders and validates.

    Returns:
        Findings and gaps, waivers applied.

    Raises:
        UserError: As for `check`.
    """
    started = time.monotonic()
    report = Report(repository.root)
    for view in environments(repository, options, progress, report.not_checked, tools=tools, beside=True):
        _examine(view, options, report)
    report.findings = _unique(report.findings, Showing(repository.files))
    report.not_checked = _merged([*report.not_checked, *_policies_gap(repository, options)])
    # What does not build says nothing that a waiver could cover.
    failed = any(finding.rule == FAILED_BUILD for finding in report.findings)
    whole = not (options.environments or options.applications or options.shard or failed)
    apply_waivers(repository, report, datetime.now(UTC).date(), whole=whole)
    report.findings.sort(key=_order)
    report.incomplete_applications = len({(g.environment, g.application) for g in report.not_checked if g.application})
    report.seconds = time.monotonic() - started
    return report


def environments(
    repository: Repository,
    options: CheckOptions,
    progress: Progress,
    gaps: list[NotChecked],
    chosen: Callable[[str, Manifest], bool] | None = None,
    *,
    tools: CheckContext | None = None,
    beside: bool = False,
) -> Iterator[Environment]:
    """Yield the view of each environment to check.

    Args:
        repository: The repository.
        options: What to check, and how.
        progress: Told how far it is.
        gaps: What could not be rendered or validated is added to it.
        chosen: From an environment's name and an Application to whether it is rendered; None renders all.
        tools: Those of `tools_for`; made when None.
        beside: Whether everything is sure to be asked for, so that the renderer is started before it is known what it
            renders, and Terraform is read beside the rendering.
    """
    folders = _folders(repository, options)
    terraform = TerraformReader(repository.files, options.plans, folders)
    for folder in folders if beside else ():
        terraform.start(folder)
    tools = tools or CheckContext(repository, options)
    revisions = Revisions(repository)
    made = []
    for version, group in _by_version(folders, options).items():
        stage = tools.stage(version, gaps)
        with stage.ready(repository) if beside else nullcontext():
            charts = tools.charts(version)
            plans, children = _rendered(group, stage, charts, revisions, progress, chosen)
            of_charts = [charts.render(each, revisions, gaps, beside_charts(each, children)) for each in plans]
        for each, rendered in zip(plans, of_charts, strict=True):
            view = environment(each, children, rendered, repository, terraform)
            gaps.extend(each.gaps)
            gaps.extend(schema_gaps(view, version))
            made.append(view)
    yield from sorted(made, key=lambda view: view.name)


def tools_for(
    repository: Repository, options: CheckOptions, gaps: list[NotChecked], prestarted: LineProcess | None = None
) -> CheckContext:
    """Return the tools for `environments` to use, where it is called several times.

    Args:
        repository: The repository.
        options: What to check, and how.
        gaps: What cannot be checked is added to it.
        prestarted: A renderer that was started already, of `prestart_renderer`.
    """
    tools = CheckContext(repository, options, prestarted)
    for version in _by_version(_folders(repository, options), options):
        tools.stage(version, gaps)
    return tools


def _rendered(
    group: list[EnvironmentFolder],
    stage: RenderPipeline,
    charts: Charts,
    revisions: Revisions,
    progress: Progress,
    chosen: Callable[[str, Manifest], bool] | None,
) -> tuple[list[RenderPlan], dict[tuple[Repository, str], Rendering]]:
    """Return what environments of one Kubernetes version consist of, and what their folders render to."""
    repository = revisions.repository
    rendered = _run(stage, repository, roots(group, repository), progress, "environments")
    is_whole = any(folder.path == WHOLE for folder in group)
    if is_whole:
        rendered[WHOLE] = applications_in_files(repository)
    plans = [plan(folder, rendered, revisions, chosen) for folder in group]
    wanted: dict[Repository, list[str]] = {}
    deep: set[str] = set()
    for each in plans:
        for manifest, where in each.children:
            if where is not None:
                wanted.setdefault(where[0], []).append(where[1])
                deep.update([where[1]] if is_recursive(manifest) else ())
    children: dict[tuple[Repository, str], Rendering] = {}
    for at_revision, targets in wanted.items():
        plain = [target for target in targets if is_whole and is_plain(at_revision, target)]
        found = _run(stage, at_revision, [t for t in targets if t not in plain], progress, "applications")
        for target in plain:
            found[target] = plain_folder(at_revision, target, charts.validator, recurse=target in deep)
        children.update({(at_revision, target): rendering for target, rendering in found.items()})
    return plans, children


def application_names(root: Path) -> dict[str, list[str]]:
    """Return the names of each environment's Applications; renders the app-of-apps only.

    Raises:
        UserError: The folder holds no environment, or a required tool is missing.
    """
    repository = Repository(root)
    options = CheckOptions()
    folders = _folders(repository, options)
    stage = CheckContext(repository, options).stage("", [])
    rendered = stage.run(repository, [folder.path for folder in folders if folder.path != WHOLE])
    if len(rendered) < len(folders):
        rendered[WHOLE] = applications_in_files(repository)
    revisions = Revisions(repository)
    return {
        folder.name: sorted(
            str(resource.value["metadata"]["name"])
            for resource in expand_application_sets(folder, rendered[folder.path], revisions, []).resources
            if resource.value.get("kind") == "Application"
        )
        for folder in folders
    }


def _run(
    stage: RenderPipeline, repository: Repository, targets: list[str], progress: Progress, name: str
) -> dict[str, Rendering]:
    total = len(set(targets))
    return stage.run(repository, targets, lambda done: progress(name, done, total))


def _folders(repository: Repository, options: CheckOptions) -> list[EnvironmentFolder]:
    if not repository.environments:
        raise UserError(
            f"{repository.root} holds no environments",
            fix="run it in a repository with Argo CD's Applications, or make one with `modelyard new`",
        )
    names = options.environments or tuple(repository.environments)
    return [repository.environment(name) for name in names]


def _by_version(folders: Iterable[EnvironmentFolder], options: CheckOptions) -> dict[str, list[EnvironmentFolder]]:
    groups: dict[str, list[EnvironmentFolder]] = {}
    for folder in folders:
        version = options.kubernetes_version or str(folder.facts.get("kubernetes") or "")
        groups.setdefault(version, []).append(folder)
    return groups


def _examine(view: Environment, options: CheckOptions, report: Report) -> None:
    """Run rules and policies over one environment and add what they say to the report."""
    shown = _shown(view, options)
    owners = _owners(view, options.applications)
    if view.terraform_reading.reason:
        report.not_checked.append(NotChecked("terraform", view.terraform_reading.reason, environment=view.name))
    runners: list[Rule | Policy] = [*rules().values(), *_policies(view.repository, options)]
    for runner in runners:
        for said in runner.run(view):
            owner = owners(said) if isinstance(said, Finding) else _application_of(said.subject)
            with_defaults = said.with_defaults(application=owner)
            if with_defaults.application and with_defaults.application not in shown:
                continue
            if not with_defaults.application and options.shard and options.shard[0] != 1:
                continue
            if isinstance(with_defaults, Finding):
                report.findings.append(with_defaults)
            else:
                report.not_checked.append(with_defaults)
    report.not_checked = [
        gap
        for gap in report.not_checked
        if gap.environment != view.name or not gap.application or gap.application in shown
    ]
    chosen = [each for each in view.applications if each.name in shown]
    report.applications += len(chosen)
    report.cached_applications += sum(1 for each in chosen if each.cached)
    report.environments.append(
        EnvironmentSummary(
            view.name,
            len(chosen),
            sum(1 for model in view.models if model.name in shown),
            sum(len(each.resources) for each in chosen) + len(view.root) + len(view.bootstrap),
            tuple(each.name for each in chosen),
        )
    )


def _application_of(subject: object) -> str:
    """Return the Application of a model that a gap is about, so that it counts as not fully checked."""
    return subject.application.name if isinstance(subject, ServedModel) else ""


def _policies(repository: Repository, options: CheckOptions) -> list[Policy]:
    wanted = may_run(repository.root) if options.policies is None else options.policies
    return load_policies(repository) if wanted else []


def _policies_gap(repository: Repository, options: CheckOptions) -> list[NotChecked]:
    """Return that policies do not run, where nobody said whether they do."""
    files = policy_files(repository)
    if options.policies is not None or not files or may_run(repository.root):
        return []
    reason = f"{files[0]} is code of the repository, which runs where you say so"
    return [NotChecked("policies", reason, f"modelyard check --policies, or name the folder in {VARIABLE}")]


def _shown(view: Environment, options: CheckOptions) -> set[str]:
    names = [application.name for application in view.applications]
    if options.applications:
        missing = [name for name in options.applications if name not in names]
        if missing:
            raise UserError(
                f"environment {view.name} has no application {missing[0]}",
                fix=f"applications of {view.name}: {', '.join(names) or 'none'}",
            )
        names = [name for name in names if name in options.applications]
    if options.shard:
        part, parts = options.shard
        names = names[part - 1 :: parts]
    return set(names)


def _owners(view: Environment, first: Collection[str]) -> Callable[[Finding], str]:
    """Return a function from a finding to the Application that it is about, by the target or file of its address.

    Args:
        view: The environment.
        first: Applications that a file which several share is said to be of, before others.
    """
    names = {each.name for each in view.applications}
    by_target = {each.target: each.name for each in view.applications if each.target}
    by_file: dict[str, str] = {}
    for application in sorted(view.applications, key=lambda each: each.name not in first):
        if application.target:
            for file in view.repository.kustomizations.tree(application.target).inputs:
                by_file.setdefault(file, application.name)

    def owner(finding: Finding) -> str:
        if isinstance(finding.at, ResourceAddress | FileAddress) and finding.at.target in by_target:
            return by_target[finding.at.target]
        if isinstance(finding.at, ResourceAddress):
            # The root is an Application as well, but not one of the environment's.
            name = Identity.of(finding.at.resource.value).name
            return name if finding.at.resource.value.get("kind") == "Application" and name in names else ""
        return by_file.get(finding.at.place().file, "")

    return owner


def _unique(findings: list[Finding], showing: Showing) -> list[Finding]:
    """Resolve every address once, and drop findings that repeat one of another Application of the environment."""
    seen: set[tuple[str, str, str, str]] = set()
    kept = []
    for finding in findings:
        place = finding.at.place()
        key = (finding.environment, finding.rule, str(place), finding.message)
        if key not in seen:
            seen.add(key)
            kept.append(showing.shown(finding, place))
    return kept


def _merged(gaps: list[NotChecked]) -> list[NotChecked]:
    seen: set[tuple[str, str, str, str]] = set()
    kept = []
    for gap in gaps:
        key = (str(gap.subject), gap.reason, gap.environment, gap.application)
        if key not in seen:
            seen.add(key)
            kept.append(gap)
    return kept


def _order(finding: Finding) -> tuple[str, int, int, int, str]:
    place = finding.at.place()
    return (place.file, place.line or 0, place.column or 0, -(finding.severity or Severity.ERROR), finding.rule)
