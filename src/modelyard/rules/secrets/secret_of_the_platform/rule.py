"""Secrets of the platform in the namespace of models."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, mapping, numbered

POLICY = "secrets-of-the-platform"
NAMESPACE = "models"
# An ARN ends in six characters of AWS's own.
_PLATFORM = re.compile(r"(^|/|:)(alert-receiver|argocd-git|argocd-notifications|opensearch)(-[A-Za-z0-9]{6})?$")


@rule("secrets/secret-of-the-platform", error, since="0.2.0")
def secret_of_the_platform(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The admission policy rejects an ExternalSecret in models that reads the platform's own credentials."""
    if not any(manifest.name == POLICY for manifest in environment.of_kind("ValidatingAdmissionPolicy")):
        return
    for manifest in environment.of_kind("ExternalSecret", "external-secrets.io"):
        if environment.namespace_of(manifest) != NAMESPACE or not environment.is_ours(manifest):
            continue
        for path, said in _refused(manifest):
            yield Finding(
                at=manifest.at(path),
                message=f"policy {POLICY} rejects {manifest}: it {said}",
                fix="use a secret of the model (component_secrets in terraform.tfvars creates one)",
            )


def _refused(manifest: Manifest) -> Iterator[tuple[Path, str]]:
    spec = mapping(manifest.value, "spec")
    for index, each in numbered(spec, "data"):
        key = str(mapping(each, "remoteRef").get("key") or "")
        if _PLATFORM.search(key):
            yield ("spec", "data", index, "remoteRef", "key"), f"reads {key}, a secret of the platform"
    for index, each in numbered(spec, "dataFrom"):
        key = str(mapping(each, "extract").get("key") or "")
        if _PLATFORM.search(key):
            yield ("spec", "dataFrom", index, "extract", "key"), f"reads {key}, a secret of the platform"
        if "find" in each:
            yield ("spec", "dataFrom", index, "find"), "uses find, which also matches the platform's secrets"
