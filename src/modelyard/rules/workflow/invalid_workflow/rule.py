"""Workflows that GitHub refuses."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.repository import FileAddress
from modelyard.rules import rule
from modelyard.rules.workflow.invalid_workflow.grammar import faults
from modelyard.view import Environment, workflows


@rule("workflow/invalid-workflow", error, since="0.3.0")
def invalid_workflow(environment: Environment) -> Iterator[Finding | NotChecked]:
    """GitHub runs nothing of a workflow with an unknown key, a value of another type, or an unknown context."""
    for workflow in workflows(environment):
        for fault in faults(workflow.content):
            yield Finding(
                at=FileAddress(environment.repository.files, workflow.file, fault.path, key=fault.is_key),
                message=f"{workflow.file}: {fault.message}",
                fix=fault.fix,
            )
