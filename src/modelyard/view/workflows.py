"""GitHub workflows of a repository."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.findings import Address, UserError
from modelyard.repository import FileAddress
from modelyard.view.environment import Environment
from modelyard.view.shapes import mapping, numbered

FOLDER = ".github/workflows"


@dataclass(frozen=True)
class Workflow:
    """One workflow.

    Attributes:
        environment: The environment with which it is judged.
        file: Its file, relative to the repository.
        content: The file's content.
    """

    environment: Environment
    file: str
    content: dict[str, Any]

    @property
    def jobs(self) -> dict[str, Any]:
        """Return the jobs by name."""
        return mapping(self.content, "jobs")

    @property
    def events(self) -> tuple[str, ...]:
        """Return the events that start it."""
        on = self.content.get("on")
        return tuple(str(each) for each in on) if isinstance(on, dict | list) else (str(on),) if on else ()

    def steps(self) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
        """Yield every step of every job with its path."""
        for name, job in self.jobs.items():
            for index, step in numbered(job, "steps"):
                yield ("jobs", str(name), "steps", index), step

    def at(self, *path: str | int) -> Address:
        """Return the address of a value."""
        return FileAddress(self.environment.repository.files, self.file, path)


def needed_jobs(job: object) -> tuple[str, ...]:
    """Return the jobs that a job waits for; what is neither a text nor a list of texts names none."""
    needs = job.get("needs") if isinstance(job, dict) else None
    return tuple(
        str(each) for each in ([needs] if isinstance(needs, str) else needs if isinstance(needs, list) else ())
    )


def workflows(environment: Environment) -> Iterator[Workflow]:
    """Yield the workflows of a repository, with its first environment only: they are no environment's own."""
    if environment.name == next(iter(environment.repository.environments), ""):
        yield from every_workflow(environment)


def every_workflow(environment: Environment) -> Iterator[Workflow]:
    """Yield the workflows of a repository, for what joins them to any environment."""
    repository = environment.repository
    for name in repository.files.under(FOLDER):
        path = f"{FOLDER}/{name}"
        if not name.endswith((".yml", ".yaml")) or not repository.files.is_file(path):
            continue
        try:
            content = repository.files.documents(path)
        except UserError:
            continue
        if content and isinstance(content[0], dict):
            yield Workflow(environment, path, content[0])
