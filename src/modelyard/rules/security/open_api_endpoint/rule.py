"""A Kubernetes API that the whole internet reaches."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment

_EVERYBODY = ("0.0.0.0/0", "::/0")


@rule("security/open-api-endpoint", error, since="0.1.0")
def open_api_endpoint(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An API endpoint that is open to every network is exposed to attacks on its next vulnerability."""
    terraform = environment.terraform
    for cluster in terraform.resources("aws_eks_cluster") if terraform is not None else ():
        settings = cluster.mapping("vpc_config")
        networks = settings.get("public_access_cidrs")
        open_to = [each for each in networks if each in _EVERYBODY] if isinstance(networks, list) else []
        if not open_to or settings.get("endpoint_public_access") is False or terraform is None:
            continue
        variable = next((name for name, value in terraform.given.items() if _names(value, open_to[0])), "")
        yield Finding(
            at=terraform.variable_at(variable, open_to[0])
            if variable
            else cluster.at(("vpc_config", "public_access_cidrs")),
            message=f"the Kubernetes API of {cluster.text('name') or cluster} is open to {open_to[0]}",
            fix="list the networks of your team and CI runners, or none for a private endpoint",
        )


def _names(value: object, sought: str) -> bool:
    return value == sought or (isinstance(value, list) and sought in value)
