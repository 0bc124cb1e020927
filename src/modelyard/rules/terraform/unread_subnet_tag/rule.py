"""Tags of subnets with a value that the load balancer controller does not read."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, LineAddress

_TAG = re.compile(r'"(kubernetes\.io/role/(?:internal-elb|elb))"\s*=\s*"?([^"\s,}]*)"?')


@rule("terraform/unread-subnet-tag", error, since="0.3.0")
def unread_subnet_tag(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The load balancer controller uses only subnets whose role tag is 1 or empty."""
    terraform = environment.terraform
    for file, text in terraform.texts() if terraform is not None else ():
        for number, line in enumerate(text.splitlines(), 1) if file.endswith(".tf") else ():
            if line.lstrip().startswith(("#", "//")):
                continue
            for match in _TAG.finditer(line):
                if match[2] not in ("1", "") and not match[2].startswith(("var.", "local.", "each.", "$")):
                    yield Finding(
                        at=LineAddress(environment.repository.files, file, number, number, (match[1], match[2])),
                        message=f"subnets have the tag {match[1]} with the value {match[2]}, which the load balancer "
                        "controller does not read",
                        fix='write "1"',
                    )
