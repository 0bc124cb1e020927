"""Kinds that a project does not permit."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Application, Environment, Project, is_namespaced


@rule("argocd/kind-outside-project", error, since="0.1.0")
def kind_outside_project(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD rejects the whole sync for one kind the project denies; cluster-scoped kinds must be allowed by name."""
    for application in environment.synced:
        project = environment.projects.get(application.project)
        if project is not None:
            yield from _resources(application, project)
            yield from _namespace(application, project)


def _resources(application: Application, project: Project) -> Iterator[Finding | NotChecked]:
    told = set()
    for manifest in application.resources:
        kind = (manifest.group, manifest.kind)
        namespaced = is_namespaced(*kind)
        if kind in told or (namespaced is None and _permitted_either_way(project, *kind, manifest.name)):
            continue
        if namespaced is None:
            told.add(kind)
            yield NotChecked(
                f"{manifest.kind} of {manifest.group} in {project}", "whether the kind is namespaced is not known"
            )
        elif not project.permits_kind(*kind, manifest.name, namespaced):
            told.add(kind)
            scope = "" if namespaced else " (cluster-scoped)"
            yield Finding(
                at=manifest.at("kind"),
                message=f"{project} does not permit {manifest}{scope}, which {application} deploys",
                fix=f"move it to an Application whose project permits {manifest.kind}, or permit it in {project}",
            )


def _permitted_either_way(project: Project, group: str, kind: str, name: str) -> bool:
    return all(project.permits_kind(group, kind, name, namespaced) for namespaced in (True, False))


def _namespace(application: Application, project: Project) -> Iterator[Finding]:
    options = application.manifest.get("spec.syncPolicy.syncOptions", ())
    for index, option in enumerate(options if isinstance(options, list) else ()):
        if option == "CreateNamespace=true" and not project.permits_kind("", "Namespace", application.namespace, False):
            yield Finding(
                at=application.at(("spec", "syncPolicy", "syncOptions", index)),
                message=f"{application} has CreateNamespace=true for namespace {application.namespace}, "
                f"but {project} does not permit Namespaces",
                fix=f"create the namespace in another Application, or add Namespace to "
                f"clusterResourceWhitelist of {project}",
            )
