"""Argo CD's Applications: project, folder, namespace, files of values."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.graph.edges import Definition, End, ObjectRef, Reference
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.repository import FileAddress
from modelyard.view.applications import sources
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import listed, text


class RepositoryFile:
    """A file or folder of the repository as an end."""

    def __init__(self, context: Context, path: str) -> None:
        self._context, self._path = context, path

    def at(self, path: tuple[str | int, ...] = ()) -> FileAddress:
        """Return the address of a value in it."""
        return FileAddress(self._context.environment.repository.files, self._path, path)


@of(("argoproj.io", "Application"))
def applications(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield what an Application belongs to, reads and writes."""
    project = text(manifest.mapping("spec"), "project") or "default"
    where = context.namespace(manifest) if project != "default" else "argocd"
    yield Reference("is in", context.end(manifest, ("spec", "project")), ObjectRef("AppProject", project, where))
    namespace = text(manifest.mapping("spec.destination"), "namespace")
    if namespace:
        made = "CreateNamespace=true" in listed(manifest.value, "spec", "syncPolicy", "syncOptions")
        end = context.end(manifest, ("spec", "destination", "namespace"))
        # Without the option the namespace may stand in the cluster already.
        given = "Argo CD" if made else "whoever made the cluster"
        yield Reference("writes to", end, ObjectRef("Namespace", namespace), elsewhere=given)
    files = context.environment.repository.files
    own = context.environment.facts.get("repository")
    for source in sources(manifest):
        if source.folder and not source.chart:
            node = ObjectRef("folder", source.folder)
            other = own and source.repository != own
            if not other and files.is_folder(source.folder):
                yield from _defined(context, node)
            elsewhere = source.repository if other else ""
            yield Reference("reads", context.end(manifest, (*source.path, "path")), node, elsewhere=elsewhere)
        for index, value in enumerate(listed(source.value, "helm", "valueFiles")):
            _, _, path = str(value).partition("/")
            if str(value).startswith("$"):
                node = ObjectRef("file", path)
                if files.is_file(path):
                    yield from _defined(context, node)
                yield Reference("reads", context.end(manifest, (*source.path, "helm", "valueFiles", index)), node)


def _defined(context: Context, node: ObjectRef) -> Iterator[Definition]:
    if node not in context.files:
        context.files.add(node)
        yield Definition(End(node, RepositoryFile(context, node.name)))
