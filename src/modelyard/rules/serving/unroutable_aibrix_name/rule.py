"""Models that AIBrix's gateway does not find by their name."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment

_LABEL = "model.aibrix.ai/name"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@rule("serving/unroutable-aibrix-name", error, since="0.1.0")
def unroutable_aibrix_name(environment: Environment) -> Iterator[Finding | NotChecked]:
    """AIBrix routes by one name: the label, the Service and the name that is served must all be that one."""
    for workload in environment.own_workloads:
        namespace = environment.namespace_of(workload.manifest)
        services = {each.name for each in environment.services if each.namespace == namespace}
        for template in workload.templates:
            name = template.labels.get(_LABEL)
            if name is None:
                continue
            path = (*template.path, "metadata", "labels", _LABEL)
            if not _NAME.fullmatch(str(name)):
                yield Finding(
                    at=workload.manifest.at(path),
                    message=f"{workload} has {_LABEL}: {name}, which cannot be the name of a Service",
                    fix="use lower-case letters, digits and hyphens",
                )
            elif str(name) not in services and services:
                behind = sorted(each.name for each in environment.services if template in each.pods)
                yield Finding(
                    at=workload.manifest.at(path),
                    message=f"{workload} has {_LABEL}: {name}, and no Service of that name sends to it",
                    fix=f"write {behind[0]}" if behind else "name the Service and the served name alike",
                )
