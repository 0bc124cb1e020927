"""Annotations that no longer name all that an Application reads."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.repository import Repository, joined
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Application, ChartValues, Environment

ANNOTATION = "argocd.argoproj.io/manifest-generate-paths"


@rule("argocd/stale-generate-paths", warning, since="0.1.0")
def stale_generate_paths(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD does not notice a change outside the annotated paths and keeps the old manifests deployed."""
    for application in environment.applications:
        repository, target = application.repository, application.target
        written = application.manifest.annotations.get(ANNOTATION)
        if not isinstance(written, str) or repository is None or target is None or application.errors:
            continue
        needed = _needed(repository, target, environment.chart_values, application)
        listed = [_resolved(path, target) for path in written.split(";") if path.strip()]
        missed = [folder for folder in needed if not any(_covers(path, folder) for path in listed)]
        unread = [
            path for path in listed if not any(_covers(path, folder) or _covers(folder, path) for folder in needed)
        ]
        if missed:
            message = f"{application} reads {both(missed)}, which is missing from {ANNOTATION}"
        elif unread:
            message = f"{application} does not read {both(unread)}, which {ANNOTATION} names"
        else:
            continue
        fix = "write " + ";".join(f"/{folder}" for folder in needed)
        yield Finding(at=application.at(("metadata", "annotations", ANNOTATION)), message=message, fix=fix)


def _needed(
    repository: Repository, target: str, values: tuple[ChartValues, ...], application: Application
) -> list[str]:
    folders = [path.strip("/") for path in repository.manifest_generate_paths(target).split(";")]
    for each in values:
        if each.application is application:
            for layer in each.layers:
                folder = layer.file.rpartition("/")[0]
                if layer.file and not any(_covers(known, folder) for known in folders):
                    folders.append(folder)
    return folders


def _resolved(path: str, target: str) -> str:
    """Return a path as Argo CD reads it: with a slash from the root, else from the Application's folder."""
    path = path.strip()
    if path.startswith("/"):
        return path.strip("/")
    return joined(target, path) or ""


def _covers(path: str, folder: str) -> bool:
    return not path or folder == path or folder.startswith(f"{path}/")
