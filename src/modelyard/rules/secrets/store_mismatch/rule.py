"""Secret stores that look where Terraform makes no secrets."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest

_STORES = ("SecretStore", "ClusterSecretStore")
_AWS = "spec.provider.aws"
# What Terraform makes, by the service of the store that reads it.
_MADE = {"SecretsManager": "aws_secretsmanager_secret", "ParameterStore": "aws_ssm_parameter"}


@rule("secrets/store-mismatch", error, since="0.3.0")
def store_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A store with another region or service finds no secret, and the pods that need it do not start."""
    terraform, region = environment.terraform, environment.facts.get("region")
    if terraform is None:
        return
    names = {block.text("name") for type_ in _MADE.values() for block in terraform.resources(type_)} - {""}
    for store in (each for kind in _STORES for each in environment.of_kind(kind, "external-secrets.io")):
        read = {name for name in _read(environment, store) if name in names}
        if not read or not environment.is_ours(store):
            continue  # it may be for secrets that others keep
        told = store.get(f"{_AWS}.region")
        if isinstance(told, str) and region and told != region:
            yield Finding(
                at=store.at(f"{_AWS}.region"),
                message=f"{store} reads from {told}, but Terraform creates {min(read)} in {region}",
                fix=f"write {region}",
            )
        service = str(store.get(f"{_AWS}.service", ""))
        made = {block.text("name") for block in terraform.resources(_MADE.get(service, ""))}
        if service in _MADE and not read & made:
            other = next(each for each in _MADE if each != service)
            yield Finding(
                at=store.at(f"{_AWS}.service"),
                message=f"{store} reads from {service}, but Terraform creates {min(read)} in {other}",
                fix=f"write {other}",
            )


def _read(environment: Environment, store: Manifest) -> Iterator[str]:
    """Yield what ExternalSecrets read from a store."""
    for each in environment.of_kind("ExternalSecret", "external-secrets.io"):
        reference = each.mapping("spec.secretStoreRef")
        if reference.get("name") != store.name or str(reference.get("kind") or "SecretStore") != store.kind:
            continue
        if store.kind == "SecretStore" and environment.namespace_of(each) != environment.namespace_of(store):
            continue
        for index, _ in enumerate(each.entries("spec.data")):
            yield str(each.get(("spec", "data", index, "remoteRef", "key"), ""))
        for index, _ in enumerate(each.entries("spec.dataFrom")):
            yield str(each.get(("spec", "dataFrom", index, "extract", "key"), ""))
