"""Caches that programs write below a bucket that is mounted as files."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Container, Environment, PodTemplate, mapping, numbered, text

_DRIVER = "s3.csi.aws.com"
_CACHES = (
    "HF_HOME",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "TRANSFORMERS_CACHE",
    "VLLM_CACHE_ROOT",
    "XDG_CACHE_HOME",
)


@rule("storage/cache-on-bucket", error, since="0.1.0")
def cache_on_bucket(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Mountpoint for S3 has no links, locks, renames or file changes, so a cache on it cannot be written."""
    buckets = {
        manifest.name
        for manifest in environment.of_kind("PersistentVolume", "")
        if manifest.get("spec.csi.driver") == _DRIVER
    }
    claims = {
        (environment.namespace_of(claim), claim.name)
        for claim in environment.of_kind("PersistentVolumeClaim", "")
        if claim.get("spec.volumeName") in buckets
    }
    for namespace, templates in environment.pods_by_namespace.items():
        for template in templates:
            volumes = _volumes(template, {name for space, name in claims if space == namespace})
            for container in template.containers if volumes else ():
                yield from _judge(container, volumes)


def _volumes(template: PodTemplate, claims: set[str]) -> set[str]:
    return {
        text(volume, "name")
        for _, volume in numbered(template.spec, "volumes")
        if text(mapping(volume, "persistentVolumeClaim"), "claimName") in claims
    }


def _judge(container: Container, volumes: set[str]) -> Iterator[Finding]:
    mounts = [
        text(each, "mountPath").rstrip("/")
        for _, each in numbered(container.value, "volumeMounts")
        if text(each, "name") in volumes
    ]
    for index, variable in numbered(container.value, "env"):
        path = text(variable, "value").rstrip("/")
        mount = next((each for each in mounts if path == each or path.startswith(f"{each}/")), "")
        if text(variable, "name") in _CACHES and mount:
            yield Finding(
                at=container.manifest.at((*container.path, "env", index, "value")),
                message=f"{container.name} writes its cache ({variable['name']}) to {path}, but {mount} is an "
                "S3 bucket",
                fix="put the cache on an emptyDir or an EBS volume; load weights in the bucket by their path",
            )
