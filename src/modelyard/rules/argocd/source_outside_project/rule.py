"""Repositories that a project does not permit."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment


@rule("argocd/source-outside-project", error, since="0.1.0")
def source_outside_project(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD refuses to read a Git or chart repository that the Application's project does not list."""
    for application in environment.synced:
        project = environment.projects.get(application.project)
        for source in application.sources if project else ():
            if project is None or not source.repository or project.permits_source(source.repository):
                continue
            if environment.is_misaddressed(source):
                continue  # argocd/repository-mismatch says so
            yield Finding(
                at=application.at((*source.path, "repoURL")),
                message=f"{application} reads {source.repository}, which {project} does not permit",
                fix=f"add it to sourceRepos of {project}",
            )
