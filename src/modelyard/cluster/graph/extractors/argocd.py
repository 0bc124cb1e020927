"""Argo CD's Applications: project, folder, namespace, files of values."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.cluster.applications import sources
from modelyard.cluster.graph.edges import Definition, End, Node, Reference
from modelyard.cluster.graph.extractors.context import Context
from modelyard.cluster.graph.extractors.registry import of
from modelyard.cluster.shapes import listed, text
from modelyard.cluster.things import Thing
from modelyard.repository import FileAddress


class RepositoryFile:
    """A file or folder of the repository as an end."""

    def __init__(self, context: Context, path: str) -> None:
        self._context, self._path = context, path

    def at(self, path: tuple[str | int, ...] = ()) -> FileAddress:
        """Return the address of a value in it."""
        return FileAddress(self._context.environment.repository.files, self._path, path)


@of(("argoproj.io", "Application"))
def applications(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield what an Application belongs to, reads and writes."""
    project = text(thing.mapping("spec"), "project") or "default"
    where = context.namespace(thing) if project != "default" else "argocd"
    yield Reference("is in", context.end(thing, ("spec", "project")), Node("AppProject", project, where))
    namespace = text(thing.mapping("spec.destination"), "namespace")
    if namespace:
        made = "CreateNamespace=true" in listed(thing.value, "spec", "syncPolicy", "syncOptions")
        end = context.end(thing, ("spec", "destination", "namespace"))
        # Without the option the namespace may stand in the cluster already.
        given = "Argo CD" if made else "whoever made the cluster"
        yield Reference("writes to", end, Node("Namespace", namespace), elsewhere=given)
    files = context.environment.repository.files
    own = context.environment.facts.get("repository")
    for source in sources(thing):
        if source.folder and not source.chart:
            node = Node("folder", source.folder)
            other = own and source.repository != own
            if not other and files.is_folder(source.folder):
                yield from _defined(context, node)
            elsewhere = source.repository if other else ""
            yield Reference("reads", context.end(thing, (*source.path, "path")), node, elsewhere=elsewhere)
        for index, value in enumerate(listed(source.value, "helm", "valueFiles")):
            _, _, path = str(value).partition("/")
            if str(value).startswith("$"):
                node = Node("file", path)
                if files.is_file(path):
                    yield from _defined(context, node)
                yield Reference("reads", context.end(thing, (*source.path, "helm", "valueFiles", index)), node)


def _defined(context: Context, node: Node) -> Iterator[Definition]:
    if node not in context.files:
        context.files.add(node)
        yield Definition(End(node, RepositoryFile(context, node.name)))
