"""What Ray Serve is told to run: the Serve config of a RayService, and the engine's settings in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.findings import Address, UserError
from modelyard.rendering import MISSING, Path, value_at
from modelyard.repository import FileAddress, Kustomization, Repository
from modelyard.repository.yaml import documents
from modelyard.view.manifests import Manifest
from modelyard.view.settings import DeclaredSettings, Setting, flag
from modelyard.view.shapes import entries, listed, mapping, numbered, text
from modelyard.view.workloads import Container, PodTemplate, Workload

SERVICE = "RayService"
CONFIG: Path = ("spec", "serveConfigV2")


def ray_container(workload: Workload) -> tuple[PodTemplate, Container] | None:
    """Return the container that runs the replicas of a RayService: the one with devices, else a worker's first."""
    if workload.kind != SERVICE:
        return None
    workers = [each for each in workload.templates if "workerGroupSpecs" in each.path] or list(workload.templates)
    for template in sorted(workers, key=lambda each: not each.accelerators):
        for container in template.containers:
            if not container.init:
                return template, container
    return None


def ray_settings(container: Container) -> DeclaredSettings:
    """Return the settings of the one model that a RayService serves: `engine_kwargs` of its `llm_configs`.

    Values are those of the rendered text; addresses are those of the file that a replacement wrote into it, where it
    says the same. A Serve config of another form, or with several models, is told as a problem.
    """
    manifest = container.manifest
    repository = manifest.repository
    config: Any = manifest.get(CONFIG, "")
    problem, at = "", None
    try:
        content = documents("serveConfigV2", config) if isinstance(config, str) else []
    except UserError as error:
        content, problem, at = [], error.message, _malformed_at(manifest) or manifest.at(CONFIG)
    served = list(_served(content[0] if content else None))
    if not problem and len(served) != 1:
        problem = (
            f"the Serve config of {manifest} serves {len(served)} models, of which one alone could be looked at"
            if served
            else f"the Serve config of {manifest} has no llm_configs of ray.serve.llm"
        )
    file = _config_file(repository, manifest)
    if problem:
        where: Address = FileAddress(repository.files, file, target=manifest.target) if file else manifest.at(CONFIG)
        return DeclaredSettings({}, (), file, container, repository, where, "", problem, at)
    path, found = served[0]
    written = _content(repository, file) if file else None
    made = [
        Setting(name, value, _address(manifest, file, written, (*path, *below), value), "file")
        for name, value, below in _settings(found)
    ]
    settings = {each.name: each for each in made}
    home = (*path, "engine_kwargs")
    absent = FileAddress(repository.files, file, home, target=manifest.target) if file else manifest.at(CONFIG)
    named = str(settings["model"].value or "") if "model" in settings else ""
    return DeclaredSettings(settings, tuple(made), file, container, repository, absent, named)


def _served(config: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    for number, application in numbered(config, "applications"):
        for index, found in numbered(application, "args", "llm_configs"):
            yield ("applications", number, "args", "llm_configs", index), found


def _settings(found: dict[str, Any]) -> Iterator[tuple[str, Any, Path]]:
    """Yield flag, value and path of what a model's entry tells the engine."""
    loading = mapping(found, "model_loading_config")
    source = loading.get("model_source")
    if isinstance(source, dict):
        yield "model", text(source, "bucket_uri"), ("model_loading_config", "model_source", "bucket_uri")
    elif source is not None:
        yield "model", source, ("model_loading_config", "model_source")
    elif "model_id" in loading:
        yield "model", loading["model_id"], ("model_loading_config", "model_id")
    for name, value in mapping(found, "engine_kwargs").items():
        yield flag(name), value, ("engine_kwargs", str(name))


def _address(manifest: Manifest, file: str | None, written: Any, path: Path, value: Any) -> Address:
    if file is None or value_at(written, path) in (MISSING, None) or value_at(written, path) != value:
        return manifest.at(CONFIG)
    return FileAddress(manifest.repository.files, file, path, target=manifest.target)


def _content(repository: Repository, file: str) -> Any:
    try:
        content = repository.files.documents(file)
    except UserError:
        return None
    return content[0] if content else None


def _malformed_at(manifest: Manifest) -> Address | None:
    """Return where the file with the Serve config is no YAML; None where the text stands in the manifest."""
    file = _config_file(manifest.repository, manifest)
    if file is None:
        return None
    try:
        manifest.repository.files.documents(file)
    except UserError as error:
        return error.at
    return None


def _config_file(repository: Repository, manifest: Manifest) -> str | None:
    """Return the file that a replacement writes into the RayService, None where its text stands in the manifest."""
    layers = repository.kustomizations.tree(manifest.target).layers
    for layer in reversed(layers):
        for replacement in entries(layer.content, "replacements"):
            source = mapping(replacement, "source")
            key = re.fullmatch(r"data\.\[?(.+?)\]?", text(source, "fieldPath"))
            written = {
                path for target in entries(replacement, "targets") for path in map(str, listed(target, "fieldPaths"))
            }
            if source.get("kind") == "ConfigMap" and key and ".".join(map(str, CONFIG)) in written:
                return _generated(layers, text(source, "name"), key[1])
    return None


def _generated(layers: list[Kustomization], name: str, key: str) -> str | None:
    for layer in reversed(layers):
        for entry in entries(layer.content, "configMapGenerator"):
            for item in listed(entry, "files") if entry.get("name") == name else ():
                known, _, path = str(item).rpartition("=")
                if (known or path.rsplit("/", 1)[-1]) == key:
                    return f"{layer.folder}/{path}" if layer.folder else path
    return None


@dataclass(frozen=True)
class ServeApplication:
    """One application of a Serve config.

    Attributes:
        manifest: The RayService.
        index: Its position in `applications`.
        value: The application as written.
        file: The file with the config; None where the text stands in the manifest.
    """

    manifest: Manifest
    index: int
    value: dict[str, Any]
    file: str | None

    @property
    def import_path(self) -> str:
        """Return what Ray imports."""
        return text(self.value, "import_path")

    @property
    def has_models(self) -> bool:
        """Return whether it serves models by `ray.serve.llm`."""
        return bool(entries(self.value, "args", "llm_configs"))

    @property
    def brings_code(self) -> bool:
        """Return whether its runtime environment brings modules."""
        return any(key in mapping(self.value, "runtime_env") for key in ("working_dir", "py_modules", "pip", "uv"))

    def accelerator_types(self) -> Iterator[tuple[int, str]]:
        """Yield each model's position with the accelerator that it asks for."""
        for index, found in numbered(self.value, "args", "llm_configs"):
            if text(found, "accelerator_type"):
                yield index, text(found, "accelerator_type")

    def at(self, *path: str | int) -> Address:
        """Return the address of a value."""
        if self.file is None:
            return self.manifest.at(CONFIG)
        path = ("applications", self.index, *path)
        return FileAddress(self.manifest.repository.files, self.file, path, target=self.manifest.target)


def serve_applications(manifest: Manifest) -> Iterator[ServeApplication]:
    """Yield the applications of a RayService's Serve config; none where it cannot be read."""
    config = manifest.get(CONFIG) if manifest.kind == SERVICE else None
    try:
        content = documents("serveConfigV2", config) if isinstance(config, str) else []
    except UserError:
        return
    file = _config_file(manifest.repository, manifest) if content else None
    for index, value in numbered(content[0] if content else None, "applications"):
        yield ServeApplication(manifest, index, value, file)
