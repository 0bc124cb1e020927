"""Terraform and manifests that disagree about the environment."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment

_SAME = {
    "cluster": "cluster_name",
    "region": "region",
    "account": "account_id",
    "kubernetes": "kubernetes_version",
    "zones": "zones",
}
"""Facts of `environment.yaml` with the variables of Terraform that say the same."""


@rule("terraform/facts-mismatch", error, since="0.1.0")
def facts_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """If terraform.tfvars and environment.yaml differ, the manifests do not fit the cluster that Terraform creates."""
    terraform = environment.terraform
    if terraform is None:
        return
    for fact, variable in _SAME.items():
        said, given = environment.facts.get(fact), terraform.given.get(variable)
        if said is None or given is None or _agree(said, given):
            continue
        yield Finding(
            at=terraform.variable_at(variable),
            message=f"{variable} is {_words(given)}, but {environment.folder.facts_file} has {fact}: {_words(said)}",
            fix="use the same value in both",
        )


def _agree(said: object, given: object) -> bool:
    """Return whether a fact is what the variable says; an environment may use fewer zones than have subnets."""
    if isinstance(said, list) and isinstance(given, list):
        return {str(each) for each in said} <= {str(each) for each in given}
    return str(said) == str(given)


def _words(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)
