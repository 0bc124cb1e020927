"""Workflows with the rights that the repository gives by default."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, workflows


@rule("workflow/default-permissions", warning, since="0.1.0")
def default_permissions(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without `permissions`, a job's token gets the repository's default, often write access to everything."""
    for workflow in workflows(environment):
        if "permissions" in workflow.content:
            continue
        for name, job in workflow.jobs.items():
            if isinstance(job, dict) and "permissions" not in job:
                yield Finding(
                    at=workflow.at("jobs", str(name)),
                    message=f"neither {workflow.file} nor its job {name} sets permissions for its token",
                    fix="set permissions: {} at the top level, and each job's permissions in the job",
                )
