"""Priority classes that nobody defines."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.edges import missing
from modelyard.view import Environment


@rule("scheduling/missing-priority-class", error, since="0.1.0", absence="cluster")
def missing_priority_class(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The API server rejects a pod whose PriorityClass does not exist."""
    yield from missing(
        environment,
        "has priority",
        "PriorityClass",
        lambda pods, name, _: f"{pods} have the priority class {name}, which does not exist in this environment",
        brings="the priority class",
    )
