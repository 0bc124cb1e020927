"""Buckets that Terraform does not make."""

import re
from collections.abc import Iterator

from modelyard.cluster import Environment, Thing, entries, listed, mapping, text
from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of

_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/|$)")


@rule("storage/unknown-bucket", error, since="0.1.0")
def unknown_bucket(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Weights that are looked for in another bucket than the environment's are not found, or not permitted."""
    terraform = environment.terraform
    known = {each.text("bucket") for each in terraform.resources("aws_s3_bucket")} - {""} if terraform else set()
    cluster = str(environment.facts.get("cluster") or "")
    if not known:
        return
    for thing in environment.resources:
        for path, name in _named(environment, thing):
            ours = (cluster and name.startswith(f"{cluster}-")) or nearest(name, known)
            if name not in known and ours:
                yield Finding(
                    at=thing.at(path),
                    message=f"{thing} names the bucket {name}, which Terraform does not make",
                    fix=f"name {nearest(name, known) or one_of(known)}",
                )


def _named(environment: Environment, thing: Thing) -> Iterator[tuple[Path, str]]:
    """Yield each bucket that a resource names, with where."""
    if not environment.is_ours(thing):
        return
    if thing.kind == "ConfigMap":
        for key, value in thing.mapping("data").items():
            if str(key) == "bucket" or str(key).endswith(("-bucket", "_BUCKET")):
                yield ("data", key), str(value)
    elif thing.kind == "PersistentVolume":
        name = text(thing.mapping("spec.csi.volumeAttributes"), "bucketName")
        if name:
            yield ("spec", "csi", "volumeAttributes", "bucketName"), name
    elif thing.kind in ("Deployment", "StatefulSet", "Job"):
        spec = mapping(thing.value, "spec", "template", "spec")
        for field in ("initContainers", "containers"):
            for index, container in enumerate(entries(spec, field)):
                place: Path = ("spec", "template", "spec", field, index)
                for number, word in enumerate(listed(container, "args")):
                    found = _ADDRESS.search(str(word))
                    if found:
                        yield (*place, "args", number), found[1]
