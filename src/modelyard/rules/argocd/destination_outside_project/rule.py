"""Objects for namespaces that a project does not permit."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Application, Environment, Project, is_namespaced


@rule("argocd/destination-outside-project", error, since="0.1.0")
def destination_outside_project(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD refuses to sync into a cluster or namespace that the Application's project does not list."""
    for application in environment.synced:
        project = environment.projects.get(application.project)
        if project is None:
            continue
        server = str(application.manifest.get("spec.destination.server", ""))
        cluster = str(application.manifest.get("spec.destination.name", ""))
        if application.namespace and not project.permits_destination(server, cluster, application.namespace):
            yield Finding(
                at=application.at("spec.destination.namespace"),
                message=f"{application} deploys to namespace {application.namespace} of {server or cluster}, "
                f"which {project} does not permit",
                fix=_fix(project, application.namespace),
            )
        yield from _resources(application, project, server, cluster)


def _resources(application: Application, project: Project, server: str, cluster: str) -> Iterator[Finding]:
    told = {application.namespace}
    for manifest in application.resources:
        namespace = manifest.namespace
        if namespace in told or not namespace or is_namespaced(manifest.group, manifest.kind) is False:
            continue
        told.add(namespace)
        if not project.permits_destination(server, cluster, namespace):
            yield Finding(
                at=manifest.at("metadata.namespace"),
                message=f"{manifest} of {application} is in namespace {namespace}, which {project} does not permit",
                fix=_fix(project, namespace),
            )


def _fix(project: Project, namespace: str) -> str:
    return f"add a destination with namespace {namespace} to {project}, or use {one_of(project.namespaces)}"
