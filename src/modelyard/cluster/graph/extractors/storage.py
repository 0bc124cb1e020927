"""Claims, volumes and their classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.cluster.graph.edges import Choice, Definition, End, Node, Reference
from modelyard.cluster.graph.extractors.context import Context
from modelyard.cluster.graph.extractors.registry import of
from modelyard.cluster.graph.index import Index
from modelyard.cluster.shapes import mapping, numbered, text
from modelyard.cluster.things import Thing
from modelyard.rendering import Path

DEFAULT = "storageclass.kubernetes.io/is-default-class"


@of(("", "PersistentVolumeClaim"))
def claims(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the class and the volume of a claim."""
    yield from _claim(thing, context, ("spec",), thing.mapping("spec"))


@of(("", "PersistentVolume"))
def volumes(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the claim that a volume is kept for."""
    reference = thing.mapping("spec.claimRef")
    if text(reference, "name"):
        node = Node("PersistentVolumeClaim", text(reference, "name"), text(reference, "namespace"))
        yield Reference("is kept for", context.end(thing, ("spec", "claimRef", "name")), node)


@of(("apps", "StatefulSet"))
def stateful_sets(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Service that names a set's pods, and its claims."""
    service = text(thing.mapping("spec"), "serviceName")
    if service:
        node = Node("Service", service, context.namespace(thing))
        yield Reference("is named by", context.end(thing, ("spec", "serviceName")), node)
    for index, template in numbered(thing.value, "spec", "volumeClaimTemplates"):
        path: Path = ("spec", "volumeClaimTemplates", index, "spec")
        yield from _claim(thing, context, path, mapping(template, "spec"))


def _claim(thing: Thing, context: Context, path: Path, spec: dict[str, Any]) -> Iterator[Reference]:
    volume, name = text(spec, "volumeName"), spec.get("storageClassName")
    if volume:
        yield Reference("binds", context.end(thing, (*path, "volumeName")), Node("PersistentVolume", volume))
    if isinstance(name, str) and name and not volume:
        node = Node("StorageClass", name)
        end = context.end(thing, (*path, "storageClassName"))
        yield Reference("is of", end, node, elsewhere="EKS" if name == "gp2" else context.elsewhere(""))
    elif name is None and not volume:
        end = context.end(thing, path)
        yield Reference("is of", end, _default(context), single=True, elsewhere="whoever made the cluster")


def _default(context: Context) -> Choice:
    def choose(_: Index) -> Iterator[End]:
        for thing in context.environment.of_kind("StorageClass", "storage.k8s.io"):
            if str(thing.annotations.get(DEFAULT)).lower() == "true":
                yield context.end(thing, ("metadata", "annotations", DEFAULT))

    return Choice(Node("StorageClass", "the default class"), choose)
