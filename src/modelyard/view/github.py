"""Which GitHub jobs an environment's AWS roles let in, and as what each job of the workflows signs in.

A job's token has the subject `repo:<repository>:environment:<name>` when the job names an environment of GitHub, else
one of its event: `pull_request`, or `ref:<branch or tag>`. Source: OpenID Connect reference of docs.github.com, read
2026-11-30.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.findings import Address, UserError
from modelyard.repository import EnvironmentFolder, Repository
from modelyard.repository.files import Files
from modelyard.repository.hcl import variables
from modelyard.view.environment import Environment
from modelyard.view.shapes import listed, mapping, numbered
from modelyard.view.terraform import LineAddress
from modelyard.view.workflows import Workflow

SIGN_IN = "aws-actions/configure-aws-credentials"
VARIABLE = "github"
_MATRIX = re.compile(r"\$\{\{\s*matrix\.[\w.-]+\s*\}\}")


@dataclass(frozen=True)
class Trust:
    """What the variable `github` of one environment says.

    Attributes:
        files: The files of the repository.
        file: The file with the variable.
        repository: The repository, as owner/name; empty where it is not text.
        ids: Whether owner and repository are named by their ids too.
        subjects: Subjects without the repository, by purpose (plan, apply, upload).
        written: Those of them that the file lists itself, by purpose.
    """

    files: Files
    file: str
    repository: str
    ids: bool
    subjects: Mapping[str, tuple[str, ...]]
    written: Mapping[str, tuple[str, ...]]

    def at(self, text: str = "") -> Address:
        """Return the address of the variable, or of a text in it."""
        return LineAddress(self.files, self.file, sought=(VARIABLE, *([text] if text else [])))


def trust(environment: Environment) -> Trust | None:
    """Return what an environment says of GitHub; None where it says nothing, or its variables cannot be read."""
    return _trust(environment.repository, environment.folder)


def trusted_anywhere(repository: Repository) -> frozenset[str]:
    """Return the subjects that any environment of a repository lets in."""
    known = (_trust(repository, folder) for folder in repository.environments.values())
    return frozenset(
        subject for each in known if each is not None for subjects in each.subjects.values() for subject in subjects
    )


def _trust(repository: Repository, folder: EnvironmentFolder) -> Trust | None:
    file, files, name = f"{folder.path}/terraform.tfvars", repository.files, folder.name
    if not files.is_file(file) or VARIABLE not in (text := files.text(file)):
        return None
    try:
        value = variables(file, text).get(VARIABLE)
    except UserError:
        return None
    if not isinstance(value, dict):
        return None
    usual = {
        "plan": (f"environment:{name}-plan",),
        "apply": (f"environment:{name}",) if value.get("apply_policy_arns") else (),
        "upload": ("ref:refs/heads/main",),
    }
    written = {
        purpose: tuple(map(_plain, listed))
        for purpose in usual
        if isinstance(listed := value.get(f"{purpose}_subjects"), list)
    }
    if not usual["apply"]:
        written.pop("apply", None)
    return Trust(
        files,
        file,
        _plain(value.get("repository")),
        value.get("owner_id") is not None and value.get("repository_id") is not None,
        {**usual, **written},
        written,
    )


def _plain(value: Any) -> str:
    return value.strip('"') if isinstance(value, str) else ""


@dataclass(frozen=True)
class SignIn:
    """One job that takes a role.

    Attributes:
        workflow: Its workflow.
        job: Its name.
        step: Number of the step, counted from 0.
        content: The job.
    """

    workflow: Workflow
    job: str
    step: int
    content: Mapping[str, Any]

    @property
    def may_sign_in(self) -> bool:
        """Return whether the job's token may be one for signing in."""
        permissions = self.content.get("permissions", self.workflow.content.get("permissions"))
        return permissions == "write-all" or (isinstance(permissions, dict) and permissions.get("id-token") == "write")

    @property
    def is_for_each_environment(self) -> bool:
        """Return whether a matrix says for which environment the job is."""
        return bool(_MATRIX.search(self._environment))

    @property
    def role(self) -> str:
        """Return the role as the workflow writes it."""
        step: Mapping[str, Any] = self.content["steps"][self.step]
        return str(step["with"]["role-to-assume"])

    @property
    def path(self) -> tuple[str | int, ...]:
        """Return where the workflow says who signs in: at the job's environment, else at the step."""
        return ("jobs", self.job, "environment") if self._environment else ("jobs", self.job, "steps", self.step)

    @property
    def _environment(self) -> str:
        value = self.content.get("environment")
        return str(value.get("name") or "") if isinstance(value, dict) else str(value or "")

    def subjects(self, environment: str) -> tuple[str, ...] | None:
        """Return the subjects that the job can have for one environment of the repository; None where nobody can say.

        Args:
            environment: The environment's name, which stands for what a matrix gives.
        """
        if name := self._environment:
            named = _MATRIX.sub(environment, name)
            return None if "${{" in named else (f"environment:{named}",)
        subjects: list[str] = []
        for event in self.workflow.events:
            if event == "pull_request":
                subjects.append("pull_request")
            elif event == "push":
                push = mapping(mapping(self.workflow.content, "on"), "push")
                refs = [("heads", each) for each in listed(push, "branches")]
                refs += [("tags", each) for each in listed(push, "tags")]
                if not refs or any(set("*?[!") & set(str(name)) for _, name in refs):
                    return None
                subjects += [f"ref:refs/{kind}/{name}" for kind, name in refs]
            else:
                # Schedules and most others run for the default branch, whose name files do not tell.
                return None
        return tuple(subjects)


def sign_ins(workflow: Workflow) -> Iterator[SignIn]:
    """Yield the jobs of a workflow that take a role of AWS."""
    for name, job in workflow.jobs.items():
        for index, step in numbered(job, "steps"):
            action = str(step.get("uses") or "").partition("@")[0]
            given = mapping(step, "with")
            if action == SIGN_IN and given.get("role-to-assume") and not given.get("aws-access-key-id"):
                yield SignIn(workflow, str(name), index, job)
                break
