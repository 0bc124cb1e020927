"""Subjects that no job signs in with."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, every_workflow
from modelyard.view.github import sign_ins, trust


@rule("terraform/unused-subject", warning, since="0.2.0")
def unused_subject(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A role trusts a subject that no workflow job has: a typo, or unneeded access to the account."""
    known = trust(environment)
    if known is None:
        return
    names: set[str] = set()
    for workflow in every_workflow(environment):
        for each in sign_ins(workflow):
            subjects = each.subjects(environment.name)
            if subjects is None:
                # Whatever is listed may be what this job has.
                return
            names.update(subjects)
    for purpose, subjects in known.written.items():
        for subject in subjects:
            if subject not in names:
                yield Finding(
                    at=known.at(subject),
                    message=f"the role to {purpose} trusts {subject}, which no workflow job uses",
                    fix=f"remove it, or use one of {', '.join(sorted(names))}" if names else "remove it",
                )
