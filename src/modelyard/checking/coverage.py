"""What of a repository nobody looked at: a check says so, lest silence counts as passed.

A repository of the template is told by its environments alone. In others, Applications lie in templates of charts that
nothing installs here, overlays are applied by hand, and folders are filled by whoever set up the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from modelyard.checking.charts import ChartRenderings
from modelyard.checking.revisions import Revisions
from modelyard.checking.views import RenderPlan
from modelyard.findings import NotChecked, UserError
from modelyard.repository import Repository
from modelyard.wording import counted

_SHOWN = 3
_CHECK_FOLDER = "modelyard check FOLDER looks at one of them alone"
_OF_ARGO_CD = ("kind: Application", "kind: ApplicationSet")
# Folders whose manifests are examples, tests or documentation by a convention of their tools.
_IGNORED = (".github", ".git", "node_modules", "testdata")


@dataclass(slots=True)
class _Read:
    """What was read.

    Attributes:
        files: Files whose manifests are in a view.
        folders: Folders whose kustomization was built, or whose chart was rendered.
    """

    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)


def unreached(plan: RenderPlan, charts: ChartRenderings, revisions: Revisions) -> Iterator[NotChecked]:
    """Yield what lies in the repository and no Application of an environment leads to.

    Args:
        plan: What the environment consists of.
        charts: What its charts rendered to.
        revisions: The repository.
    """
    repository = revisions.repository
    if plan.folder.target is not None:
        return
    if plan.folder.path and (plan.folder.facts or repository.is_generated):
        return
    read = _read(plan, charts, repository)
    kustomizations, charts_here = _folders(repository)
    unbuilt = sorted(kustomizations - read.folders)
    unrendered = sorted(folder for folder in charts_here if not _within(folder, read.folders))
    if unbuilt:
        subject = f"{counted(len(unbuilt), 'kustomization')} of {len(kustomizations)}"
        yield _gap(plan, subject, f"no Application that was read leads to them: {_some(unbuilt)}")
    if unrendered:
        hold = [folder for folder in unrendered if _holds_applications(repository, folder)]
        subject = f"{counted(len(unrendered), 'chart')} of Helm in folders"
        yield _gap(plan, subject, f"no Application that was read installs them: {_some(unrendered)}")
        if hold:
            yield _gap(
                plan,
                f"Applications in templates of {counted(len(hold), 'chart')}",
                f"only Helm renders them, and no Application that was read installs their chart: {_some(hold)}",
            )
    plain = sorted(_manifests(repository, read, kustomizations, charts_here))
    if plain:
        subject = counted(len(plain), "file") + " with manifests"
        yield _gap(plan, subject, f"no Application that was read leads to them: {_some(plain)}")


def _gap(plan: RenderPlan, subject: str, reason: str) -> NotChecked:
    return NotChecked(subject, reason, _CHECK_FOLDER, environment=plan.folder.name)


def _some(paths: list[str]) -> str:
    rest = len(paths) - _SHOWN
    return ", ".join(each or "." for each in paths[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _read(plan: RenderPlan, charts: ChartRenderings, repository: Repository) -> _Read:
    read = _Read()
    targets = [plan.folder.path] if plan.folder.path else []
    for child in plan.children:
        targets += [request.target for request in child.requests]
        if child.application.name in charts.by_application:
            read.folders.update(each.source.folder for each in child.charts)
    for target in targets:
        read.folders.add(target)
        tree = repository.kustomizations.tree(target)
        read.folders.update(tree.folders)
        read.files.update(tree.inputs)
    read.files.update(each.resource.origin for each in plan.manifests if each.resource.origin)
    return read


def _folders(repository: Repository) -> tuple[set[str], set[str]]:
    kustomizations = {each for each in repository.kustomization_folders if _is_asked(repository, each)}
    charts = {each for each in repository.chart_folders if _is_asked(repository, each)}
    return kustomizations, {each for each in charts if "/charts/" not in f"{each}/"}


def _is_asked(repository: Repository, path: str) -> bool:
    return repository.in_scope(path) and not any(part in _IGNORED for part in path.split("/"))


def _within(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _holds_applications(repository: Repository, chart: str) -> bool:
    files = repository.files
    pending = [f"{chart}/templates"]
    while pending:
        folder = pending.pop()
        for name in files.under(folder):
            path = f"{folder}/{name}"
            if files.is_folder(path):
                pending.append(path)
                continue
            try:
                text = files.text(path)
            except UserError:
                continue
            if "argoproj.io/" in text and any(each in text for each in _OF_ARGO_CD):
                return True
    return False


def _manifests(repository: Repository, read: _Read, kustomizations: set[str], charts: set[str]) -> Iterator[str]:
    """Yield the files with manifests that are in no kustomization, in no chart, and in no folder that was read."""
    inputs = {each for folder in kustomizations for each in repository.kustomizations.tree(folder).inputs}
    plain = read.folders - kustomizations
    for path in repository.files.below(("yaml", "yml")):
        if path in read.files or path in inputs or not _is_asked(repository, path):
            continue
        if _within(path, charts) or _within(path, plain):
            continue  # of a chart, or of a folder that Argo CD reads with the folders in it, or by a filter
        if repository.holds_manifests(path):
            yield path
