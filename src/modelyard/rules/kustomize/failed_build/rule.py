"""Targets that Kustomize cannot build."""

from collections.abc import Iterator
from dataclasses import replace

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import RenderError
from modelyard.repository import kustomization_file
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Application, Environment

# Kinds of problems that Argo CD does not have where it may run Helm and reach the network.
_READ_ELSEWHERE = ("remote", "executes")
_RESTRICTED = "outside its own folder"
# Limits of this machine, not of what is built: another machine may well be done in time.
_GIVEN_UP = ("timeout", "memory")


@rule("kustomize/failed-build", error, since="0.1.0")
def failed_build(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD cannot sync an Application whose folder does not build."""
    told: dict[str, Finding] = {}
    others: dict[str, list[str]] = {}
    for said in _said(environment):
        if isinstance(said, NotChecked):
            yield said
        elif said.message in told:
            others.setdefault(said.message, []).append(said.at.place().file)
        else:
            told[said.message] = said
    for message, finding in told.items():
        # A shared file that is wrong is one cause, however many folders read it.
        elsewhere = sorted(set(others.get(message, ())) - {finding.at.place().file})
        more = (*finding.detail, f"the same in {both(elsewhere, most=6)}") if elsewhere else finding.detail
        yield replace(finding, detail=more)


def _said(environment: Environment) -> Iterator[Finding | NotChecked]:
    for problem in environment.errors:
        yield _finding(problem)
    if not environment.is_generated:
        yield from _of_others(environment)
        return
    for application in environment.applications:
        repository, target = application.repository, application.target
        if repository is not None and target is not None and kustomization_file(repository.files, target) is None:
            # Argo CD applies a folder of plain manifests as it is; one that does not exist is another rule's finding.
            malformed = [problem for problem in application.errors if problem.kind == "malformed"]
            for problem in malformed:
                yield _finding(problem)
            if repository.files.is_folder(target) and not application.own_resources and not malformed:
                if repository.files.is_file(f"{target}/Chart.yaml"):
                    yield NotChecked(application, f"{target} is a Helm chart, which only Argo CD renders")
                    continue
                yield NotChecked(application, f"{target} has no kustomization.yaml", "add one that lists its manifests")
            continue
        for problem in application.errors:
            yield _given_up(application, problem) if problem.kind in _GIVEN_UP else _finding(problem)


def _of_others(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Yield what does not build in a repository that the template did not make.

    Its Argo CD may be given charts and addresses that nobody reads here: `kustomize.buildOptions: --enable-helm`.
    """
    for application in environment.applications:
        repository, target = application.repository, application.target
        is_folder = repository is not None and target is not None and repository.files.is_folder(target)
        if target is not None and not is_folder:
            continue  # argocd/missing-folder tells it
        unread = [problem for problem in application.errors if problem.kind in _READ_ELSEWHERE]
        if unread:
            more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
            reason = f"{unread[0].message}{more}, which is not fetched"
            yield NotChecked(application, reason, application=application.name)
        for problem in application.errors:
            if problem.kind in _GIVEN_UP:
                yield _given_up(application, problem)
            elif problem.kind == "outside" and _RESTRICTED in problem.message:
                reason = f"{problem.message} unless it is told --load-restrictor LoadRestrictionsNone, as Flux tells it"
                yield NotChecked(application, reason, application=application.name)
            elif problem.kind not in _READ_ELSEWHERE:
                yield _finding(problem)
        if is_folder and not application.own_resources and not application.errors and not application.left_out:
            jsonnet = any(each.endswith(".jsonnet") for each in environment.repository.files.under(target or ""))
            reason = "is written in Jsonnet, which is not evaluated here" if jsonnet else "has no readable manifests"
            yield NotChecked(application, f"{target} {reason}", application=application.name)


def _given_up(application: Application, problem: RenderError) -> NotChecked:
    return NotChecked(application, problem.message, problem.fix, application=application.name)


def _finding(problem: RenderError) -> Finding:
    fix = problem.fix
    if not fix and problem.kind == "malformed":
        fix = "correct the YAML on this line or before it"
    return Finding(at=problem.at, message=problem.message, fix=fix or "run `kustomize build` on it for the same error")
