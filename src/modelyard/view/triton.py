"""What Triton is told to run: the model repository of its vLLM backend, and the engine's settings in it."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.findings import Address, UserError
from modelyard.rendering import Sources, split_image
from modelyard.repository import FileAddress
from modelyard.view.manifests import Manifest
from modelyard.view.settings import DeclaredSettings, Setting, written_in
from modelyard.view.shapes import entries, text
from modelyard.view.workloads import Container

ENGINE_ARGUMENTS = "model.json"
"""File of a model's version folder with vLLM's engine arguments (`_VLLM_ENGINE_ARGS_FILENAME` of the backend)."""


def runs_triton(container: Container) -> bool:
    """Return whether a container is Triton with its vLLM backend, whose `args` are not the engine's."""
    return split_image(container.image)[0].endswith("/tritonserver") and any(
        word.startswith("--model-repository") for word in container.args
    )


def triton_settings(container: Container, siblings: Sequence[Manifest]) -> DeclaredSettings:
    """Return the engine's settings: `model.json` of the ConfigMap that is mounted into Triton's container.

    Args:
        container: Triton's container.
        siblings: The resources rendered with it.
    """
    repository = container.manifest.repository
    source = _config_map(container, siblings)
    file = None
    if source is not None:
        file = Sources(source.repository, source.target, source.resource).generated_file(ENGINE_ARGUMENTS)
    in_file = FileAddress(repository.files, file or "", target=container.manifest.target)
    problem = ""
    at: Address | None = None
    made: list[Setting] = []
    if source is None or file is None:
        problem = f"no file of this repository is mounted as {ENGINE_ARGUMENTS}"
        at = container.at("volumeMounts")
    else:
        try:
            made = written_in(in_file, required=True)
        except UserError as error:
            problem, at = error.message, error.at or in_file
    settings = {each.name: each for each in made}
    home: Address = in_file if file else container.at("args")
    named = str(settings["model"].value or "") if "model" in settings else ""
    return DeclaredSettings(settings, tuple(made), file, container, repository, home, named, problem, at)


def _config_map(container: Container, siblings: Sequence[Manifest]) -> Manifest | None:
    """Return the mounted ConfigMap that holds the engine's arguments."""
    mounted = {text(mount, "name") for mount in entries(container.value, "volumeMounts")}
    spec = container.manifest.get(container.path[:-2], {})
    names = {
        text(volume, "configMap", "name") for volume in entries(spec, "volumes") if text(volume, "name") in mounted
    }
    for manifest in siblings:
        if (
            manifest.kind == "ConfigMap"
            and manifest.name in names
            and ENGINE_ARGUMENTS in (manifest.get(("data",)) or {})
        ):
            return manifest
    return None
