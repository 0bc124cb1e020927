"""Claims, volumes and their classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.graph.edges import Choice, Definition, End, Lookup, ObjectRef, Reference
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.rendering import Path
from modelyard.view.environment import CLASS_OF_EKS
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import mapping, numbered, text

DEFAULT = "storageclass.kubernetes.io/is-default-class"


@of(("", "PersistentVolumeClaim"))
def claims(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the class and the volume of a claim."""
    yield from _claim(manifest, context, ("spec",), manifest.mapping("spec"))


@of(("", "PersistentVolume"))
def volumes(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the claim that a volume is kept for."""
    reference = manifest.mapping("spec.claimRef")
    if text(reference, "name"):
        node = ObjectRef("PersistentVolumeClaim", text(reference, "name"), text(reference, "namespace"))
        yield Reference("is kept for", context.end(manifest, ("spec", "claimRef", "name")), node)


@of(("apps", "StatefulSet"))
def stateful_sets(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Service that names a set's pods, and its claims."""
    service = text(manifest.mapping("spec"), "serviceName")
    if service:
        node = ObjectRef("Service", service, context.namespace(manifest))
        yield Reference("is named by", context.end(manifest, ("spec", "serviceName")), node)
    for index, template in numbered(manifest.value, "spec", "volumeClaimTemplates"):
        path: Path = ("spec", "volumeClaimTemplates", index, "spec")
        yield from _claim(manifest, context, path, mapping(template, "spec"))


def _claim(manifest: Manifest, context: Context, path: Path, spec: dict[str, Any]) -> Iterator[Reference]:
    volume, name = text(spec, "volumeName"), spec.get("storageClassName")
    if volume:
        yield Reference("binds", context.end(manifest, (*path, "volumeName")), ObjectRef("PersistentVolume", volume))
    if isinstance(name, str) and name and not volume:
        node = ObjectRef("StorageClass", name)
        end = context.end(manifest, (*path, "storageClassName"))
        yield Reference("is of", end, node, elsewhere="EKS" if name == CLASS_OF_EKS else context.elsewhere(""))
    elif name is None and not volume:
        end = context.end(manifest, path)
        yield Reference("is of", end, _default(context), single=True, elsewhere="whoever made the cluster")


def _default(context: Context) -> Choice:
    def choose(_: Lookup) -> Iterator[End]:
        for manifest in context.environment.of_kind("StorageClass", "storage.k8s.io"):
            if str(manifest.annotations.get(DEFAULT)).lower() == "true":
                yield context.end(manifest, ("metadata", "annotations", DEFAULT))

    return Choice(ObjectRef("StorageClass", "the default class"), choose)
