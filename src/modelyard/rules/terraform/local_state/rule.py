"""Terraform that keeps its state on one machine."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment


@rule("terraform/local-state", error, since="0.1.0")
def local_state(environment: Environment) -> Iterator[Finding | NotChecked]:
    """State on one machine is lost with it, and the next apply creates everything a second time."""
    terraform = environment.terraform
    if terraform is None:
        return
    settings = [each for each in terraform.of_mode("terraform") if not each.module]
    if any(each.values.get(name) is not None for each in settings for name in ("backend", "cloud")):
        return
    yield Finding(
        at=settings[0].at() if settings else terraform.variable_at("environment_name"),
        message=f"the root module in {terraform.folder}/ has no backend, so Terraform writes its state to the "
        "local folder",
        fix='add backend "s3" {}; environments/<env>/backend.hcl says where',
    )
