"""Targets that Kustomize cannot build."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import RenderError
from modelyard.repository import kustomization_file
from modelyard.rules import rule
from modelyard.view import Environment


@rule("kustomize/failed-build", error, since="0.1.0")
def failed_build(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD applies nothing of an Application whose folder does not build."""
    for problem in environment.errors:
        yield _finding(problem)
    for application in environment.applications:
        repository, target = application.repository, application.target
        if repository is not None and target is not None and kustomization_file(repository.files, target) is None:
            # Argo CD applies a folder of plain manifests as it is; one that does not exist is another rule's finding.
            malformed = [problem for problem in application.errors if problem.kind == "malformed"]
            for problem in malformed:
                yield _finding(problem)
            if repository.files.is_folder(target) and not application.own_resources and not malformed:
                if repository.files.is_file(f"{target}/Chart.yaml"):
                    yield NotChecked(application, f"{target} is a chart of Helm, which only Argo CD renders")
                    continue
                yield NotChecked(application, f"{target} has no kustomization.yaml", "add one that lists its manifests")
            continue
        for problem in application.errors:
            yield _finding(problem)


def _finding(problem: RenderError) -> Finding:
    fix = problem.fix
    if not fix and problem.kind == "malformed":
        fix = "correct the YAML there or on the lines before"
    return Finding(at=problem.at, message=problem.message, fix=fix or "`kustomize build` of the folder shows the same")
