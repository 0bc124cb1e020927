"""Values that a variable of the configuration does not accept."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.view.terraform.validating import refusals


@rule("terraform/refused-variable", error, since="0.3.0")
def refused_variable(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Terraform plans nothing while a variable has the wrong type or fails its validation."""
    terraform = environment.terraform
    if terraform is None:
        return
    for refusal in refusals(environment.repository.files, terraform.folder, terraform.given):
        yield Finding(
            at=terraform.variable_at(refusal.name),
            message=f"variable {refusal.name} is invalid: {refusal.reason}",
            fix=f"set {refusal.name} to a value that its declaration in {terraform.folder}/ accepts",
        )
