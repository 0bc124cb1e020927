"""Jobs whose sign-in AWS refuses."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, every_workflow, workflows
from modelyard.view.github import sign_ins, trust, trusted_anywhere

_PATH = re.compile(r"github\.com[/:]([^/\s]{1,99}/[^/\s]{1,200}?)(?:\.git)?/?$")


@rule("workflow/refused-sign-in", error, since="0.2.0")
def refused_sign_in(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A job cannot assume its AWS role if its token lacks the permission or no role trusts its subject."""
    for workflow in workflows(environment):
        for each in sign_ins(workflow):
            if not each.may_sign_in:
                yield Finding(
                    at=workflow.at("jobs", each.job),
                    message=f"job {each.job} assumes an AWS role, but its token has no id-token permission",
                    fix="add permissions: {id-token: write} to the job",
                )
    known = trust(environment)
    if known is None:
        return
    own_repository = _PATH.search(str(environment.facts.get("repository") or ""))
    if known.repository and own_repository and known.repository.lower() != own_repository[1].lower():
        yield Finding(
            at=known.at(known.repository),
            message=f"the roles of {environment} trust the GitHub repository {known.repository}, and this one is "
            f"{own_repository[1]}",
            fix=f"write {own_repository[1]}",
        )
    own = {subject for subjects in known.subjects.values() for subject in subjects}
    anywhere = trusted_anywhere(environment.repository)
    for workflow in every_workflow(environment):
        for each in sign_ins(workflow):
            subject = f"job {each.job} of {workflow.file}"
            if not each.may_sign_in:
                continue
            if "${{" not in each.role and f":role/{environment.facts.get('cluster')}-github-" not in each.role:
                yield NotChecked(subject, f"{each.role} is not a role that this repository's Terraform creates")
                continue
            names = each.subjects(environment.name)
            if names is None:
                yield NotChecked(subject, "only GitHub knows the subject that it signs in with")
                continue
            trusted = own if each.is_for_each_environment else anywhere
            refused = [name for name in names if name not in trusted]
            if refused:
                yield Finding(
                    at=workflow.at(*each.path),
                    message=f"job {each.job} signs in as {', '.join(refused)}, which no role of {environment.name} "
                    f"trusts; the roles trust {', '.join(sorted(trusted))}",
                    fix=f"list it in github of {known.file} under what the job does (plan, apply or upload), or "
                    "run the job as one of those",
                )
