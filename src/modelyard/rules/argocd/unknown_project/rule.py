"""Applications of projects that nobody defines."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment


@rule("argocd/unknown-project", error, since="0.1.0", absence="object")
def unknown_project(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD refuses to sync an Application whose project does not exist."""
    if environment.errors:
        return
    for application in environment.synced:
        if not environment.projects and application.project != "default":
            yield NotChecked(application, f"project {application.project} is not in this repository, nor is any other")
        elif application.project not in environment.projects and application.project != "default":
            yield Finding(
                at=application.at("spec.project"),
                message=f"{application} is in project {application.project or '(none)'}, "
                "which does not exist in this environment",
                fix=f"name {one_of(environment.projects)}",
            )
