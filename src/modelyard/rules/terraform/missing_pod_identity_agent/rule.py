"""Associations that no agent serves."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment

_AGENT = "eks-pod-identity-agent"


@rule("terraform/missing-pod-identity-agent", error, since="0.1.0")
def missing_pod_identity_agent(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Pod Identity needs an agent on every node; without it no pod gets credentials."""
    terraform = environment.terraform
    if terraform is None:
        return
    addons = terraform.resources("aws_eks_addon")
    automatic = any(each.mapping("compute_config").get("enabled") for each in terraform.resources("aws_eks_cluster"))
    if not terraform.resources("aws_eks_pod_identity_association") or not addons or automatic:
        return
    names = {each.text("addon_name") or each.key for each in addons}
    if "" in names or _AGENT in names:
        return
    yield Finding(
        at=addons[0].at(("addon_name",)),
        message=f"Terraform creates Pod Identity associations but not the add-on {_AGENT}",
        fix=f"add {_AGENT} to the add-ons",
    )
