"""Buckets: which workloads, volumes and settings name them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.cluster.graph.edges import Definition, Node, Reference
from modelyard.cluster.graph.extractors.context import Context
from modelyard.cluster.graph.extractors.registry import of
from modelyard.cluster.shapes import listed, text
from modelyard.cluster.things import Thing
from modelyard.cluster.workloads import POD_KINDS, workload
from modelyard.rendering import Path

_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/|$)")


@of(("", "ConfigMap"))
def settings(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the bucket that a key named after one holds."""
    for key, value in thing.mapping("data").items():
        if value and (str(key) == "bucket" or str(key).endswith(("-bucket", "_BUCKET"))):
            yield _named(thing, context, ("data", key), str(value))


@of(("", "PersistentVolume"))
def volumes(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the bucket that a volume shows as files."""
    path: Path = ("spec", "csi", "volumeAttributes")
    name = text(thing.mapping(path), "bucketName")
    if name:
        yield _named(thing, context, (*path, "bucketName"), name)


@of(*POD_KINDS)
def arguments(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the buckets in the arguments of containers."""
    found = workload(thing)
    for container in found.containers if found else ():
        for number, word in enumerate(listed(container.value, "args")):
            match = _ADDRESS.search(str(word))
            if match:
                yield _named(thing, context, (*container.path, "args", number), match[1])


def _named(thing: Thing, context: Context, path: Path, name: str) -> Reference:
    # Others have buckets too: which of them must be Terraform's, a rule decides.
    elsewhere = "" if context.environment.terraform is not None else "Terraform"
    return Reference("reads", context.end(thing, path), Node("aws_s3_bucket", name), optional=True, elsewhere=elsewhere)
