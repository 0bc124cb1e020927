"""Policies for another region."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, LineAddress

_REGION = re.compile(
    r"aws:RequestedRegion\"?\s*+[:=,]\s*+(?:\[\s*+)?\"([a-z]{2}(?:-[a-z]+)+-\d)\""
    r"|\"arn:[^:\"]*:[a-z0-9-]+:([a-z]{2}(?:-[a-z]+)+-\d):"
    r"|\"[a-z0-9-]+\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com\""
)


@rule("terraform/region-mismatch", error, since="0.1.0")
def region_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A policy for another region allows nothing in this one."""
    terraform = environment.terraform
    region = environment.facts.get("region")
    if terraform is None or not isinstance(region, str) or not region:
        return
    for file, text in terraform.texts():
        for number, line in enumerate(text.splitlines(), 1):
            found = _REGION.search(line)
            said = (found[1] or found[2] or found[3]) if found and not line.lstrip().startswith("#") else region
            if said != region:
                yield Finding(
                    at=LineAddress(environment.repository.files, file, number, number, (said,)),
                    message=f"a policy is for {said}, but {environment.folder.facts_file} says {region}",
                    fix="use the variable with the region",
                )
