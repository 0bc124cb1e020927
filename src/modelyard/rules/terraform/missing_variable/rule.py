"""Variables that Terraform asks for and nobody sets."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, every_workflow
from modelyard.view.terraform.references import modules

_SET = re.compile(r"^[ \t]*(\w+)[ \t]*=", re.MULTILINE)
_OWN = ("terraform.tfvars", ".auto.tfvars", ".tfvars.json")


@rule("terraform/missing-variable", error, since="0.3.0")
def missing_variable(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Terraform ends a plan that nobody answers questions of, when a variable has neither value nor default."""
    terraform = environment.terraform
    if terraform is None or not terraform.variables_file:
        return
    files = environment.repository.files
    root = modules(files, terraform.folder).get(terraform.folder)
    if root is None:
        return
    missing = root.required - set(_SET.findall(files.text(terraform.variables_file)))
    if not missing or any(name.endswith(_OWN) for name in files.under(terraform.folder)):
        return
    given = " ".join(files.text(workflow.file) for workflow in every_workflow(environment))
    for name in sorted(missing):
        if not re.search(rf"\bTF_VAR_{name}\b|-var[ =]['\"]?{name}=", given):
            yield Finding(
                at=terraform.variable_at(name),
                message=f"variable {name} of {terraform.folder}/ has no default, and {terraform.variables_file} does "
                "not set it",
                fix=f"set {name} in {terraform.variables_file}, or declare a default",
            )
