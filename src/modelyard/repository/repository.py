"""A GitOps repository on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.findings import Address, UserError
from modelyard.repository.addresses import FileAddress
from modelyard.repository.files import Files
from modelyard.repository.kustomization import Kustomizations, kustomization_file
from modelyard.repository.layout import ENVIRONMENTS, FACTS, WHOLE
from modelyard.repository.yaml import one_mapping
from modelyard.tooling import find
from modelyard.tooling.git import git
from modelyard.tooling.words import NotAName, revision_name

if TYPE_CHECKING:
    from modelyard.repository.settings import Settings

ARGO_CD_KINDS = frozenset({"Application", "ApplicationSet", "AppProject"})


@dataclass(frozen=True, slots=True)
class EnvironmentFolder:
    """One environment: one cluster with its own Argo CD.

    Attributes:
        name: The folder's name.
        path: The folder, relative to the repository; also the Kustomize target of the app-of-apps.
        facts: Content of `environment.yaml`; empty where there is none.
    """

    name: str
    path: str
    facts: dict[str, Any]
    files: Files

    @property
    def facts_file(self) -> str:
        """The file with the facts, relative to the repository."""
        return f"{self.path}/{FACTS}" if self.path else FACTS

    def at(self, *path: str | int) -> Address:
        """Return the address of a fact."""
        return FileAddress(self.files, self.facts_file, path)


class Repository:
    """What is on disk below one folder; everything is read at most once.

    Args:
        root: The folder.
        files: What reads it; the files on disk when None.

    Raises:
        UserError: `root` is not a folder.
    """

    def __init__(self, root: Path, files: Files | None = None) -> None:
        if not root.is_dir():
            what = "is not a folder" if root.exists() else "does not exist"
            raise UserError(f"{root} {what}", fix="name the folder of a GitOps repository")
        self.files = files or Files(root)
        self.root = self.files.root
        self.kustomizations = Kustomizations(self.files)

    @cached_property
    def settings(self) -> Settings:
        """Return the checker's settings.

        Raises:
            UserError: The file is not what it should be; names the first wrong field with its place.
        """
        from modelyard.repository.settings import load_settings

        return load_settings(self.files)

    @property
    def crds(self) -> tuple[str, ...]:
        """Return the files, folders and URLs with definitions of the user's own that the settings name."""
        return self.settings.crds

    @property
    def engine_versions(self) -> Mapping[str, str]:
        """Return the engine versions by image that the settings name."""
        return self.settings.engine_versions

    @cached_property
    def environments(self) -> dict[str, EnvironmentFolder]:
        """Return the environments by name, in order of name."""
        found = {}
        for name in self.files.under(ENVIRONMENTS):
            path = f"{ENVIRONMENTS}/{name}"
            if self.files.is_folder(path) and kustomization_file(self.files, path):
                found[name] = EnvironmentFolder(name, path, self._facts(path), self.files)
        if not found and self.argo_cd_manifests:
            found["repository"] = EnvironmentFolder("repository", WHOLE, {}, self.files)
        return found

    @cached_property
    def argo_cd_manifests(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """Return what Argo CD is told by files anywhere in the repository, each with its file; hidden folders left out.

        Files that are no YAML, such as templates of charts, hold none.
        """
        found = []
        for path in self.files.below(("yaml", "yml")):
            try:
                text = self.files.text(path)
                content = self.files.documents(path) if "argoproj.io/" in text else []
            except UserError:
                continue
            for value in content:
                if not isinstance(value, dict) or value.get("kind") not in ARGO_CD_KINDS:
                    continue
                if str(value.get("apiVersion")).startswith("argoproj.io/") and isinstance(value.get("metadata"), dict):
                    found.append((path, value))
        return tuple(found)

    def environment(self, name: str) -> EnvironmentFolder:
        """Return one environment.

        Raises:
            UserError: There is none of that name.
        """
        if name not in self.environments:
            known = ", ".join(self.environments) or "none"
            raise UserError(f"there is no environment {name} here", fix=f"environments of this repository: {known}")
        return self.environments[name]

    def commit(self, name: str) -> str:
        """Return the commit that a name stands for in the clone that this is; empty where there is none."""
        if find("git") is None:
            return ""
        try:
            words = ("rev-parse", "--verify", "--quiet", f"{revision_name(name)}^{{commit}}")
        except NotAName:
            return ""
        done = git(self.root, *words)
        return done.stdout.decode().strip() if done.returncode == 0 else ""

    def _facts(self, path: str) -> dict[str, Any]:
        file = f"{path}/{FACTS}"
        if not self.files.is_file(file):
            return {}
        content = self.files.documents(file)
        return one_mapping(file, content, at=FileAddress(self.files, file)) if content else {}

    def manifest_generate_paths(self, target: str) -> str:
        """Return the value of Argo CD's `manifest-generate-paths` for a target: every folder that it reads.

        Argo CD renders an Application again only when a file under one of these folders changed; files that are read
        from folders without a kustomization of their own are listed by their folder. The target comes first.
        """
        tree = self.kustomizations.tree(target)
        folders = list(tree.folders)
        for path in sorted(tree.inputs):
            folder = path.rpartition("/")[0]
            if not any(folder == known or folder.startswith(f"{known}/") for known in folders):
                folders.append(folder)
        ordered = sorted(folders, key=lambda folder: _reading_order(folder, target))
        kept = [f for f in ordered if not any(f != other and f.startswith(f"{other}/") for other in ordered)]
        return ";".join(f"/{folder}" for folder in kept)


def _reading_order(folder: str, target: str) -> tuple[int, str]:
    """The model's own folders first, then its environment's, overlays, serving bases, features, the rest."""
    first = ("environments/", "overlays/", "bases/serving/", "bases/platform/", "bases/features/")
    rank = next((n for n, prefix in enumerate(first, 1) if folder.startswith(prefix)), len(first) + 1)
    return (0 if folder == target else rank, folder)
