"""Buckets: which workloads, volumes and settings name them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.graph.edges import Definition, ObjectRef, Reference
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.rendering import Path
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import listed, text
from modelyard.view.workloads import POD_KINDS, workload

_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/|$)")


@of(("", "ConfigMap"))
def settings(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the bucket that a key named after one holds."""
    for key, value in manifest.mapping("data").items():
        if value and (str(key) == "bucket" or str(key).endswith(("-bucket", "_BUCKET"))):
            yield _named(manifest, context, ("data", key), str(value))


@of(("", "PersistentVolume"))
def volumes(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the bucket that a volume shows as files."""
    path: Path = ("spec", "csi", "volumeAttributes")
    name = text(manifest.mapping(path), "bucketName")
    if name:
        yield _named(manifest, context, (*path, "bucketName"), name)


@of(*POD_KINDS)
def arguments(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the buckets in the arguments of containers."""
    found = workload(manifest)
    for container in found.containers if found else ():
        for number, word in enumerate(listed(container.value, "args")):
            match = _ADDRESS.search(str(word))
            if match:
                yield _named(manifest, context, (*container.path, "args", number), match[1])


def _named(manifest: Manifest, context: Context, path: Path, name: str) -> Reference:
    # Others have buckets too: which of them must be Terraform's, a rule decides.
    elsewhere = "" if context.environment.terraform is not None else "Terraform"
    return Reference(
        "reads", context.end(manifest, path), ObjectRef("aws_s3_bucket", name), optional=True, elsewhere=elsewhere
    )
