"""What rules and policies say of one environment, and of which Application each of it is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from modelyard.checking.environments import RenderedEnvironment
from modelyard.checking.examined import Examination, runs_policies
from modelyard.checking.options import CheckOptions
from modelyard.checking.postprocess import shown
from modelyard.checking.selection import running
from modelyard.findings import At, EnvironmentSummary, Finding, NotChecked, UserError
from modelyard.policies import Policy, load_policies
from modelyard.rendering import Identity, ResourceAddress
from modelyard.repository import FileAddress, Files, Repository
from modelyard.rules import Rule, rules
from modelyard.view import Environment, ServedModel


def examine(rendered: RenderedEnvironment, options: CheckOptions) -> Examination:
    """Run the rules that are asked for, and policies, over one environment.

    Args:
        rendered: The environment.
        options: What to report on.

    Raises:
        UserError: A named Application does not exist.
    """
    view = rendered.view
    shown = _shown(view, options)
    owned = _owners(view, options.applications)
    # What is of no Application is reported once: with the first part of a check in parts.
    has_rest = (options.shard is None or options.shard[0] == 1) and _has_rest(rendered)
    findings: list[Finding] = []
    gaps = [gap for gap in rendered.gaps if not gap.application or gap.application in shown]
    if view.terraform_reading.reason:
        gaps.append(NotChecked("terraform", view.terraform_reading.reason, environment=view.name))
    chosen = [rules()[each] for each in running(options)]
    runners: list[Rule | Policy] = [*chosen, *_policies(view.repository, options)]
    for runner in runners:
        for said in runner.run(view):
            if isinstance(said, Finding):
                finding = owned(said)
                if finding.application in shown or (has_rest and not finding.application):
                    findings.append(finding)
            else:
                gap = said.with_defaults(application=_application_of(said.subject))
                if gap.application in shown or (has_rest and not gap.application):
                    gaps.append(gap)
    applications = [each for each in view.applications if each.name in shown]
    summary = EnvironmentSummary(
        view.name,
        len(applications),
        sum(1 for model in view.models if model.application.name in shown),
        sum(len(each.resources) for each in applications) + len(view.root) + len(view.bootstrap),
        tuple(each.name for each in applications),
        sum(len(each.resources) for each in view.applications),
        len(view.root) + len(view.bootstrap),
    )
    return Examination(tuple(findings), tuple(gaps), summary, sum(1 for each in applications if each.cached))


def shown_examination(examination: Examination, files: Files) -> Examination:
    """Return what is said of an environment with each finding at its place, once, and without secrets."""
    return replace(examination, findings=shown(files, examination.findings))


def _has_rest(rendered: RenderedEnvironment) -> bool:
    """Return whether what is of no Application is asked about, such as the workflows of a whole repository."""
    folder, repository = rendered.view.folder, rendered.view.repository
    return not repository.scope and (folder.target is None or folder.target == repository.targets[0])


def _application_of(subject: object) -> str:
    """Return the Application of a model that a gap is about, so that it counts as not fully checked."""
    return subject.application.name if isinstance(subject, ServedModel) else ""


def _policies(repository: Repository, options: CheckOptions) -> list[Policy]:
    return load_policies(repository) if runs_policies(repository, options) else []


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


def _owners(view: Environment, first: Collection[str]) -> Callable[[Finding], Finding]:
    """Return a function that names the Application a finding is about, by the target or file of its address.

    What is known by its file alone has its address looked up on the way.

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

    def owned(finding: Finding) -> Finding:
        at = finding.at
        if finding.application:
            return finding
        if isinstance(at, ResourceAddress | FileAddress) and at.target in by_target:
            return replace(finding, application=by_target[at.target])
        if isinstance(at, ResourceAddress):
            # The root is an Application as well, but not one of the environment's.
            name = Identity.of(at.resource.value).name
            is_own = at.resource.value.get("kind") == "Application" and name in names
            return replace(finding, application=name) if is_own else finding
        place = at.place()
        return replace(finding, at=At(place), application=by_file.get(place.file, ""))

    return owned
