"""Jobs that wait for jobs that are not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, needed_jobs, workflows


@rule("workflow/unknown-job", error, since="0.1.0")
def unknown_job(environment: Environment) -> Iterator[Finding | NotChecked]:
    """GitHub rejects a workflow whose job needs one that does not exist, and runs nothing."""
    for workflow in workflows(environment):
        for name, job in workflow.jobs.items():
            for index, needed in enumerate(needed_jobs(job)):
                if needed in workflow.jobs:
                    continue
                path = ("needs",) if isinstance(job["needs"], str) else ("needs", index)
                known = [each for each in workflow.jobs if each != name]
                yield Finding(
                    at=workflow.at("jobs", str(name), *path),
                    message=f"job {name} of {workflow.file} needs {needed}, which is not a job of this workflow",
                    fix=f"name {nearest(str(needed), known) or one_of(known)}",
                )
