"""Priority classes that nobody defines."""

from collections.abc import Iterator

from modelyard.cluster import Environment, text
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of

BUILT_IN = ("system-cluster-critical", "system-node-critical")


@rule("scheduling/missing-priority-class", error, since="0.1.0")
def missing_priority_class(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod with a priority class that does not exist is refused."""
    known = {thing.name for thing in environment.of_kind("PriorityClass", "scheduling.k8s.io")}
    for workload in environment.workloads:
        for template in workload.templates:
            name = text(template.spec, "priorityClassName")
            if not name or name in known or name in BUILT_IN:
                continue
            near = nearest(str(name), known)
            yield Finding(
                at=template.at("priorityClassName"),
                message=f"{template} have the priority class {name}, which this environment does not define",
                fix=f"name {near or one_of(known | set(BUILT_IN))}",
            )
