"""Variables that Terraform does not take."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import did_you_mean
from modelyard.view import Environment

_SET = re.compile(r"^(\w+)\s*=", re.MULTILINE)


@rule("terraform/undeclared-variable", error, since="0.1.0")
def undeclared_variable(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Terraform only warns about an undeclared variable, and uses the default of the intended one."""
    terraform = environment.terraform
    if terraform is None or not terraform.variables_file:
        return
    declared = {each.address.removeprefix("variable.") for each in terraform.of_mode("variable") if not each.module}
    for name in dict.fromkeys(_SET.findall(terraform.files.text(terraform.variables_file))):
        if name not in declared:
            yield Finding(
                at=terraform.variable_at(name),
                message=f"{name} is set, but the root module in {terraform.folder}/ does not declare it",
                fix=did_you_mean(name, declared) or "remove it, or declare it in a file of your own",
            )
