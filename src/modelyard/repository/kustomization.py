"""One kustomization file, and the tree of what a Kustomize target reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from modelyard.findings import Address, At, Place
from modelyard.repository.addresses import FileAddress
from modelyard.repository.files import Files, joined
from modelyard.repository.limits import UnreadableFile
from modelyard.repository.yaml import MalformedYAML, one_mapping

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
MAX_DEPTH = 30

_REMOTE_MARKS = ("://", "git@", "github.com/", "?ref=", "git::")
_EXECUTING_FIELDS = {
    "helmCharts": "Helm charts are rendered from an Application with a pinned chart, not by Kustomize",
    "helmChartInflationGenerator": "Helm charts are rendered from an Application with a pinned chart",
    "helmGlobals": "Helm charts are rendered from an Application with a pinned chart, not by Kustomize",
}

ProblemKind = Literal["missing", "remote", "outside", "cycle", "malformed", "executes", "depth"]


@dataclass(frozen=True, slots=True)
class InputProblem:
    """Why a target cannot be rendered as it stands, found by reading its kustomizations."""

    kind: ProblemKind
    message: str
    at: Address
    fix: str = ""


@dataclass(slots=True)
class Kustomization:
    """One kustomization: its folder, its file and its content."""

    folder: str
    file: str
    content: dict[str, Any]
    component: bool = False

    def entries(self, key: str) -> list[Any]:
        """Return a list field, empty when it is absent or not a list."""
        value = self.content.get(key)
        return value if isinstance(value, list) else []

    def patch_files(self) -> Iterator[str]:
        """Yield the files that it lists as patches, relative to the repository."""
        listed = [
            each.get("path")
            for key in ("patches", "patchesJson6902")
            for each in self.entries(key)
            if isinstance(each, dict)
        ]
        for entry in (*listed, *self.entries("patchesStrategicMerge")):
            path = joined(self.folder, entry) if isinstance(entry, str) and "\n" not in entry else None
            if path is not None:
                yield path

    def at(self, *path: str | int, files: Files) -> Address:
        """Return the address of a field of this file."""
        return FileAddress(files, self.file, path)


@dataclass(slots=True)
class Tree:
    """What one target reads, transitively.

    Attributes:
        target: The folder that is built.
        layers: Kustomizations in the order in which Kustomize applies their transformers: bases before what uses them,
            components before the kustomization that lists them.
        inputs: Every file that is read, relative to the repository.
        folders: Every folder that holds a kustomization of the tree, in reading order.
        problems: What stands in the way of a build.
    """

    target: str
    layers: list[Kustomization] = field(default_factory=list)
    inputs: set[str] = field(default_factory=set)
    folders: list[str] = field(default_factory=list)
    problems: list[InputProblem] = field(default_factory=list)


def kustomization_file(files: Files, folder: str) -> str | None:
    """Return the kustomization file of a folder, None when it has none."""
    for name in FILE_NAMES:
        path = f"{folder}/{name}" if folder else name
        if files.is_file(path):
            return path
    return None


class Kustomizations:
    """Reads kustomizations once and follows what they name."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self._known: dict[str, Kustomization] = {}
        self._trees: dict[str, Tree] = {}

    def load(self, folder: str) -> Kustomization:
        """Return the kustomization of a folder.

        Raises:
            UnreadableFile: The folder has no kustomization file.
            MalformedYAML: The file is not one YAML mapping.
        """
        known = self._known.get(folder)
        if known is not None:
            return known
        file = kustomization_file(self.files, folder)
        if file is None:
            raise UnreadableFile(
                f"{folder or '.'} has no kustomization.yaml",
                fix="name a folder with a kustomization.yaml",
                at=At(Place(folder or ".")),
            )
        content = one_mapping(file, self.files.documents(file))
        loaded = Kustomization(folder, file, content, component=content.get("kind") == "Component")
        self._known[folder] = loaded
        return loaded

    def tree(self, target: str) -> Tree:
        """Return everything that a target reads; problems are listed, not raised."""
        known = self._trees.get(target)
        if known is None:
            known = self._trees[target] = Tree(target)
            self._walk(target, known, (), At(Place(target)))
        return known

    def _walk(self, folder: str, tree: Tree, above: tuple[str, ...], named_at: Address) -> None:
        if folder in above:
            way = " → ".join((*above[above.index(folder) :], folder))
            tree.problems.append(
                InputProblem("cycle", f"kustomizations include each other: {way}", named_at, "break the cycle")
            )
            return
        if len(above) > MAX_DEPTH:
            tree.problems.append(
                InputProblem("depth", f"{folder} lies more than {MAX_DEPTH} kustomizations deep", named_at)
            )
            return
        try:
            self.files.require_inside(folder)
            kustomization = self.load(folder)
        except (UnreadableFile, MalformedYAML) as error:
            kind: ProblemKind = "malformed" if isinstance(error, MalformedYAML) else "missing"
            at = error.at if kind == "malformed" and error.at else named_at
            tree.problems.append(InputProblem(kind, error.message, at, error.fix))
            return
        tree.inputs.add(kustomization.file)
        if folder not in tree.folders:
            tree.folders.append(folder)
        for key, reason in _EXECUTING_FIELDS.items():
            if key in kustomization.content:
                at = FileAddress(self.files, kustomization.file, (key,), key=True)
                tree.problems.append(InputProblem("executes", f"{kustomization.file} uses {key}", at, reason))
        below = (*above, folder)
        for key in ("resources", "bases"):
            self._follow(kustomization, key, tree, below, folders=True)
        for key in ("crds", "configurations", "generators", "transformers", "validators"):
            self._follow(kustomization, key, tree, below, folders=key in ("generators", "transformers", "validators"))
        for path, at in self._single_files(kustomization):
            self._file(kustomization, path, at, tree)
        self._follow(kustomization, "components", tree, below, folders=True)
        tree.layers.append(kustomization)

    def _follow(
        self, kustomization: Kustomization, key: str, tree: Tree, above: tuple[str, ...], *, folders: bool
    ) -> None:
        for index, entry in enumerate(kustomization.entries(key)):
            at = kustomization.at(key, index, files=self.files)
            if not isinstance(entry, str):
                tree.problems.append(InputProblem("malformed", f"{key} should list paths, not {entry!r:.60}", at))
                continue
            if "\n" in entry:
                continue  # an inline generator or transformer
            if any(mark in entry for mark in _REMOTE_MARKS):
                tree.problems.append(
                    InputProblem(
                        "remote",
                        f"{kustomization.file} reads {entry} from the network",
                        at,
                        "vendor it into the repository: a check never uses the network",
                    )
                )
                continue
            path = self._inside(kustomization, entry, at, tree)
            if path is None:
                continue
            if folders and self.files.is_folder(path):
                self._walk(path, tree, above, at)
            elif folders and key == "components":
                tree.problems.append(InputProblem("missing", f"{path} does not exist", at, "name a component's folder"))
            else:
                self._file(kustomization, entry, at, tree)

    def _file(self, kustomization: Kustomization, relative: str, at: Address, tree: Tree) -> None:
        path = self._inside(kustomization, relative, at, tree)
        if path is None:
            return
        if not self.files.is_file(path):
            tree.problems.append(InputProblem("missing", f"{path} does not exist", at, "create it or remove the line"))
            return
        try:
            self.files.read(path)
        except UnreadableFile as error:
            tree.problems.append(InputProblem("outside", error.message, at, error.fix))
            return
        tree.inputs.add(path)

    def _inside(self, kustomization: Kustomization, relative: str, at: Address, tree: Tree) -> str | None:
        path = None if relative.startswith("/") else joined(kustomization.folder, relative)
        if path is None:
            tree.problems.append(
                InputProblem(
                    "outside",
                    f"{kustomization.file} reads {relative}, which lies outside the repository",
                    at,
                    "keep everything that is rendered in the repository",
                )
            )
            return None
        try:
            self.files.require_inside(path)
        except UnreadableFile as error:
            tree.problems.append(InputProblem("outside", error.message, at, error.fix))
            return None
        return path

    def _single_files(self, kustomization: Kustomization) -> Iterator[tuple[str, Address]]:
        """Yield each file that a field other than a plain list of paths names, with its address."""
        for key in ("patches", "patchesJson6902", "replacements"):
            for index, entry in enumerate(kustomization.entries(key)):
                if isinstance(entry, dict) and isinstance(entry.get("path"), str):
                    yield entry["path"], kustomization.at(key, index, "path", files=self.files)
        for index, entry in enumerate(kustomization.entries("patchesStrategicMerge")):
            if isinstance(entry, str) and "\n" not in entry:
                yield entry, kustomization.at("patchesStrategicMerge", index, files=self.files)
        openapi = kustomization.content.get("openapi")
        if isinstance(openapi, dict) and isinstance(openapi.get("path"), str):
            yield openapi["path"], kustomization.at("openapi", "path", files=self.files)
        for key in ("configMapGenerator", "secretGenerator"):
            for index, entry in enumerate(kustomization.entries(key)):
                if not isinstance(entry, dict):
                    continue
                for part in ("files", "envs"):
                    values = entry.get(part)
                    for position, item in enumerate(values if isinstance(values, list) else []):
                        at = kustomization.at(key, index, part, position, files=self.files)
                        yield str(item).partition("=")[2] or str(item), at
                if isinstance(entry.get("env"), str):
                    yield entry["env"], kustomization.at(key, index, "env", files=self.files)
