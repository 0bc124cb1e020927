"""Buckets that lose the weights that models read."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment

_WHOLE = ("prefix", "tag", "and", "object_size_greater_than", "object_size_less_than")


@rule("terraform/expiring-weights", error, since="0.3.0")
def expiring_weights(environment: Environment) -> Iterator[Finding | NotChecked]:
    """S3 deletes what expires, also what is in use: pods that start after that find no weights."""
    terraform = environment.terraform
    buckets = _read(environment)
    for block in terraform.resources("aws_s3_bucket_lifecycle_configuration") if terraform is not None else ():
        bucket = block.text("bucket")
        named = terraform.named(bucket) if terraform is not None else None
        name = named.text("bucket") if named is not None else bucket
        for rule_ in block.nested("rule"):
            expiration = rule_.get("expiration")
            days = expiration.get("days") if isinstance(expiration, dict) else None
            filter_ = rule_.get("filter")
            part = [each for each in _WHOLE if isinstance(filter_, dict) and filter_.get(each)] or rule_.get("prefix")
            if name in buckets and days and not part and rule_.get("status", "Enabled") == "Enabled":
                yield Finding(
                    at=block.at(("expiration",)),
                    message=f"{block.address} has an expiration of {days} days for everything in {name}, from which "
                    f"{buckets[name]} reads weights",
                    fix="write noncurrent_version_expiration, or a filter with the prefix of what may go",
                )


def _read(environment: Environment) -> dict[str, str]:
    """Return the buckets that ConfigMaps and volumes of the environment name, with what names each."""
    found: dict[str, str] = {}
    for manifest in environment.of_kind("ConfigMap", ""):
        bucket = manifest.mapping("data").get("bucket")
        if isinstance(bucket, str):
            found.setdefault(bucket, str(manifest))
    for manifest in environment.of_kind("PersistentVolume", ""):
        bucket = manifest.mapping(("spec", "csi", "volumeAttributes")).get("bucketName")
        if isinstance(bucket, str) and bucket:
            found.setdefault(bucket, str(manifest))
    return found
