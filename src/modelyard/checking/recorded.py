"""A repository of which it is known what was asked, for one environment of many.

What is found out of the whole repository, such as which Applications lie in it, is found out once and not by each
environment: the questions that it took are each environment's that asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

from modelyard.repository import EnvironmentFolder, Repository
from modelyard.repository.recording import Question, RecordedFiles


class Survey:
    """What is found out of a whole repository, with the questions that each answer took.

    Args:
        repository: The repository, whose files answer.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._known: dict[Callable[[Repository], Any], tuple[Any, frozenset[Question]]] = {}

    def answer(self, function: Callable[[Repository], Any], files: RecordedFiles) -> Any:
        """Return what a function says of the repository.

        Args:
            function: The function; called once.
            files: The files whose asker wants to know: the questions become theirs.
        """
        if function not in self._known:
            own = RecordedFiles(self.repository.files)
            value = function(RecordedRepository(self, own))
            self._known[function] = value, frozenset(own.asked)
        value, asked = self._known[function]
        files.asked |= asked
        return value


def _surveyed(name: str) -> Any:
    """Return a property that takes what a property of repositories says from the survey."""
    function = vars(Repository)[name].func

    def get(repository: RecordedRepository) -> Any:
        return repository.survey.answer(function, repository.recorded)

    return cached_property(get)


class RecordedRepository(Repository):
    """A repository of which it is known what was asked; Git answers once for all of them.

    Args:
        survey: What is found out once for all environments.
        files: Those that write down what is asked of them.
    """

    def __init__(self, survey: Survey, files: RecordedFiles) -> None:
        whole = survey.repository
        super().__init__(whole.root, files, whole.scope, whole.copied_remotes)
        self.survey = survey
        self.recorded = files
        self.asked_for_remotes = False

    argo_cd_manifests = _surveyed("argo_cd_manifests")
    targets = _surveyed("targets")
    kustomization_folders = _surveyed("kustomization_folders")
    chart_folders = _surveyed("chart_folders")
    _patches = _surveyed("_patches")
    _folders = _surveyed("environments")

    @cached_property
    def environments(self) -> dict[str, EnvironmentFolder]:
        """Return the environments by name, in order of name."""
        found: dict[str, EnvironmentFolder] = self._folders
        return {name: replace(each, files=self.files) for name, each in found.items()}

    @property
    def remotes(self) -> frozenset[str]:
        """Return the addresses under which Git knows this repository; empty where it is no clone of another."""
        self.asked_for_remotes = True
        return self.survey.repository.remotes
