"""Where an environment keeps what edits touch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from modelyard.editing.changes import Changes, StagedFiles
from modelyard.editing.splicing import Text
from modelyard.findings import UserError
from modelyard.repository import ANSWERS, ENVIRONMENTS, Kustomizations, Repository, kustomization_file
from modelyard.repository.layout import FACTS

COMPONENT_LABEL = "app.kubernetes.io/component"
GENERATE_PATHS = "argocd.argoproj.io/manifest-generate-paths"


@dataclass(frozen=True, slots=True)
class EnvironmentFiles:
    """One environment of the repository that is edited.

    Attributes:
        changes: The edit.
        name: The environment.
    """

    changes: Changes
    name: str

    @property
    def folder(self) -> str:
        """The environment's folder."""
        return f"{ENVIRONMENTS}/{self.name}"

    @property
    def list(self) -> str:
        """The kustomization that lists the Applications."""
        return kustomization_file(self.changes.files, self.folder) or f"{self.folder}/kustomization.yaml"

    @property
    def facts(self) -> dict[str, Any]:
        """What `environment.yaml` says."""
        file = f"{self.folder}/{FACTS}"
        return dict(Text(file, self.changes.text(file)).value) if self.changes.exists(file) else {}

    @property
    def answers(self) -> dict[str, Any]:
        """What the template was answered, and its version under `_commit`; empty where nothing is recorded."""
        file = f"{self.folder}/{ANSWERS}"
        return dict(Text(file, self.changes.text(file)).value) if self.changes.exists(file) else {}

    def model_folder(self, model: str) -> str:
        """Return the folder of a model."""
        return f"{self.folder}/models/{model}"

    def model_file(self, model: str) -> str:
        """Return the kustomization of a model."""
        folder = self.model_folder(model)
        return kustomization_file(self.changes.files, folder) or f"{folder}/kustomization.yaml"

    def stub(self, application: str) -> str:
        """Return the file of an Application."""
        return f"{self.folder}/applications/{application}.yaml"

    @property
    def models(self) -> tuple[str, ...]:
        """The models that the environment holds, by name."""
        found = {
            PurePosixPath(path).parent.name
            for path in self.changes.under(f"{self.folder}/models")
            if path.count("/") == 4 and path.rpartition("/")[2] in ("kustomization.yaml", "kustomization.yml")
        }
        return tuple(sorted(found))

    @property
    def listed(self) -> tuple[str, ...]:
        """The files of Applications that the environment's kustomization lists."""
        resources = Text(self.list, self.changes.text(self.list)).items(["resources"])
        return tuple(each for each in resources if isinstance(each, str))

    @property
    def applications(self) -> frozenset[str]:
        """The names of the Applications that are listed."""
        return frozenset(PurePosixPath(each).stem for each in self.listed if each.startswith("applications/"))

    def list_application(self, name: str) -> None:
        """Add an Application to the list, last."""
        entry = f"applications/{name}.yaml"
        if entry not in self.listed:
            self.changes.edit(self.list, lambda text: text.insert_item(["resources"], len(self.listed), [entry]))

    def unlist_application(self, name: str) -> None:
        """Take an Application from the list."""
        entry = f"applications/{name}.yaml"

        def without(text: Text) -> None:
            listed = text.items(["resources"])
            if entry in listed:
                text.remove_item(["resources"], listed.index(entry))

        self.changes.edit(self.list, without)

    def refresh_paths(self, application: str) -> None:
        """Compute anew which folders make Argo CD render an Application again."""
        stub = self.stub(application)
        target = self.model_folder(application)
        paths = generate_paths(self.changes, target)
        self.changes.edit(stub, lambda text: text.set_scalar(["metadata", "annotations", GENERATE_PATHS], paths))


def environment_files(changes: Changes, name: str) -> EnvironmentFiles:
    """Return an environment to edit.

    Raises:
        UserError: There is none of that name.
    """
    known = [
        each
        for each in changes.files.under(ENVIRONMENTS)
        if kustomization_file(changes.files, f"{ENVIRONMENTS}/{each}")
    ]
    if name not in known:
        listed = f"environments of this repository: {', '.join(known) or 'none'}"
        raise UserError(f"there is no environment {name} here", fix=listed)
    return EnvironmentFiles(changes, name)


def generate_paths(changes: Changes, target: str) -> str:
    """Return the value of `manifest-generate-paths` for a target, as it will be after the edit."""
    repository = Repository(changes.root)
    repository.files = StagedFiles(changes)
    repository.kustomizations = Kustomizations(repository.files)
    return repository.manifest_generate_paths(target)
