"""A GitOps repository on disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.findings import Address, UserError
from modelyard.repository.addresses import FileAddress
from modelyard.repository.files import Files
from modelyard.repository.kustomization import FILE_NAMES, Kustomizations, kustomization_file
from modelyard.repository.layout import ANSWERS, CHART, ENVIRONMENTS, FACTS, POLICIES, WHOLE
from modelyard.repository.yaml import one_mapping
from modelyard.tooling import find
from modelyard.tooling.git import git
from modelyard.tooling.words import NotAName, revision_name

if TYPE_CHECKING:
    from modelyard.repository.settings import Settings

ARGO_CD_KINDS = frozenset({"Application", "ApplicationSet", "AppProject"})

_LARGE = 262_144  # characters
_BEGINS = re.compile(r"^apiVersion:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class EnvironmentFolder:
    """One environment: one cluster with its own Argo CD.

    Attributes:
        name: The folder's name.
        path: The folder, relative to the repository; also the Kustomize target of the app-of-apps.
        facts: Content of `environment.yaml`; empty where there is none.
        target: The folder that is checked by itself, without an Application that reads it; None for an environment.
    """

    name: str
    path: str
    facts: dict[str, Any]
    files: Files
    target: str | None = None

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
        scope: The folder in it that is asked about; empty for all of it.
        remotes: The addresses of the repository that this is a copy of; None asks Git.

    Raises:
        UserError: `root` is not a folder.
    """

    def __init__(
        self, root: Path, files: Files | None = None, scope: str = "", remotes: frozenset[str] | None = None
    ) -> None:
        if not root.is_dir():
            what = "is not a folder" if root.exists() else "does not exist"
            raise UserError(f"{root} {what}", fix="name the folder of a GitOps repository")
        self.files = files or Files(root)
        self.root = self.files.root
        self.scope = scope
        self.copied_remotes = remotes
        self.kustomizations = Kustomizations(self.files)
        self._copied: dict[str, bool] = {}

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
    def policy_files(self) -> tuple[str, ...]:
        """Return the files that hold the team's own rules; none of them is run."""
        names = self.files.under(POLICIES) if self.files.is_folder(POLICIES) else []
        ours = (name for name in names if name.endswith(".py") and not name.startswith(("_", "test_", "conftest")))
        return tuple(f"{POLICIES}/{name}" for name in ours)

    @cached_property
    def environments(self) -> dict[str, EnvironmentFolder]:
        """Return the environments by name, in order of name."""
        found = {}
        for name in self.files.under(ENVIRONMENTS) if not self.scope else ():
            path = f"{ENVIRONMENTS}/{name}"
            if self.files.is_folder(path) and kustomization_file(self.files, path) and self._says_what_runs(path):
                found[name] = EnvironmentFolder(name, path, self._facts(path), self.files)
        named = self.scope and kustomization_file(self.files, self.scope)  # it is built, whatever its files hold
        if not found and not named and self.argo_cd_manifests:
            name = self.scope or "repository"
            found[name] = EnvironmentFolder(name, WHOLE, self._facts(WHOLE), self.files)
        return found or {
            each or ".": EnvironmentFolder(each or ".", WHOLE, self._facts(WHOLE), self.files, each)
            for each in self.targets
        }

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """Return the folders that are checked by themselves where nothing is told by Applications, sorted.

        They are the kustomizations that no other one reads, charts, and folders with manifests that are in neither.
        """
        folders = [each for each in self.kustomization_folders if self.in_scope(each)]
        read: set[str] = set()
        inputs: set[str] = set()
        for folder in folders:
            tree = self.kustomizations.tree(folder)
            read.update(each for each in tree.folders if each != folder)
            inputs.update(tree.inputs)
        tops = {each for each in folders if each not in read and not self._is_component(each)}
        charts = {each for each in self.chart_folders if each and self.in_scope(each)}
        plain: set[str] = set()
        for path in self._below("yaml", "yml"):
            folder = path.rpartition("/")[0]
            if (
                path in inputs
                or path in self._patches
                or not self.in_scope(path)
                or any(_is_below(path, chart) for chart in charts)
            ):
                continue
            if folder not in plain and self.holds_manifests(path):
                plain.add(folder)
        return tuple(sorted({*tops, *(each for each in charts if "/charts/" not in f"{each}/"), *plain}))

    def in_scope(self, path: str) -> bool:
        """Return whether a file or folder is asked about."""
        return not self.scope or _is_below(path, self.scope)

    def _is_component(self, folder: str) -> bool:
        try:
            return self.kustomizations.load(folder).component
        except UserError:
            return False

    def holds_manifests(self, path: str) -> bool:
        """Return whether a file is YAML that holds a manifest; what cannot be read holds none."""
        try:
            text = self.files.text(path)
            if len(text) > _LARGE:
                return _BEGINS.search(text) is not None and "\nkind:" in text  # parsing it takes seconds
            content = self.files.documents(path) if "apiVersion:" in text and "kind:" in text else []
        except UserError:
            return False
        return any(isinstance(each, dict) and "apiVersion" in each and "kind" in each for each in content)

    @property
    def is_generated(self) -> bool:
        """Return whether the template made it, so that its folders are those that remedies name."""
        return self.files.is_file(ANSWERS)

    def _says_what_runs(self, path: str) -> bool:
        """Return whether a folder is an environment: by facts, by answers, or by the Applications that it lists.

        The name of the folder above decides nothing: other repositories keep overlays of one workload there.
        """
        if self.is_generated or any(self.files.is_file(f"{path}/{each}") for each in (FACTS, ANSWERS)):
            return True
        inputs = self.kustomizations.tree(path).inputs
        return any(file in self._argo_cd_files for file in inputs)

    @cached_property
    def _argo_cd_files(self) -> frozenset[str]:
        return frozenset(file for file, _ in self.argo_cd_manifests)

    @cached_property
    def argo_cd_manifests(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """Return what Argo CD is told by files anywhere in the repository, each with its file; hidden folders left out.

        Templates of charts hold none, even where they happen to be YAML, nor do patches of kustomizations: what
        stands there is not what Argo CD is told.
        """
        found = []
        patches = self._patches
        for path in self._below("yaml", "yml"):
            if path in patches or self._is_template(path) or not self.in_scope(path):
                continue
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

    @cached_property
    def _patches(self) -> frozenset[str]:
        """The files that a kustomization anywhere lists as patches."""
        found: set[str] = set()
        for folder in self.kustomization_folders:
            try:
                found.update(self.kustomizations.load(folder).patch_files())
            except UserError:
                continue
        return frozenset(found)

    @cached_property
    def kustomization_folders(self) -> tuple[str, ...]:
        """Return the folders with a kustomization anywhere in the repository, sorted; hidden ones are left out."""
        below = (path.rpartition("/") for path in self._below("yaml", "yml"))
        return tuple(sorted({folder for folder, _, name in below if name in FILE_NAMES}))

    @cached_property
    def chart_folders(self) -> tuple[str, ...]:
        """Return the folders with a chart of Helm anywhere in the repository, sorted; charts in charts are among them.

        Hidden folders are left out.
        """
        below = (path.rpartition("/") for path in self._below("yaml"))
        return tuple(sorted({folder for folder, _, name in below if name == CHART}))

    def _below(self, *endings: str) -> list[str]:
        """Return the files of the repository's own: without copies of other projects that package managers lay down."""
        found = self.files.below(endings)
        return [path for path in found if not self._is_copied(path.rpartition("/")[0])]

    def _is_copied(self, folder: str) -> bool:
        """Return whether a folder lies in packages that npm installed or `go mod vendor` copied."""
        if folder not in self._copied:
            above, _, name = folder.rpartition("/")
            self._copied[folder] = bool(folder) and (
                name == "node_modules"
                or (name == "vendor" and self.files.is_file(f"{folder}/modules.txt"))
                or self._is_copied(above)
            )
        return self._copied[folder]

    def _is_template(self, path: str) -> bool:
        """Return whether a file is one of the templates of a chart."""
        parts = path.split("/")
        return any(
            part == "templates" and self.files.is_file("/".join((*parts[:depth], CHART)))
            for depth, part in enumerate(parts[:-1])
        )

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

    @cached_property
    def remotes(self) -> frozenset[str]:
        """Return the addresses under which Git knows this repository; empty where it is no clone of another."""
        if self.copied_remotes is not None:
            return self.copied_remotes
        if find("git") is None or not (self.root / ".git").exists():
            return frozenset()
        done = git(self.root, "config", "--get-regexp", r"^remote\..*\.url$")
        lines = done.stdout.decode(errors="replace").splitlines() if done.returncode == 0 else []
        return frozenset(line.partition(" ")[2].strip() for line in lines) - {""}

    def _facts(self, path: str) -> dict[str, Any]:
        file = f"{path}/{FACTS}" if path else FACTS
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


def _is_below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _reading_order(folder: str, target: str) -> tuple[int, str]:
    """The model's own folders first, then its environment's, overlays, serving bases, features, the rest."""
    first = ("environments/", "overlays/", "bases/serving/", "bases/platform/", "bases/features/")
    rank = next((n for n, prefix in enumerate(first, 1) if folder.startswith(prefix)), len(first) + 1)
    return (0 if folder == target else rank, folder)
