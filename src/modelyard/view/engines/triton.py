"""What Triton is told to run: the model repository of its vLLM backend, and the engine's settings in it."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.findings import Address, UserError
from modelyard.rendering import Sources, split_image
from modelyard.repository import FileAddress
from modelyard.view.engines.vllm import VLLM
from modelyard.view.manifests import Manifest
from modelyard.view.settings import DeclaredSettings, Setting, declared_settings, mounted_config_map, written_in
from modelyard.view.workloads import Container

ENGINE_ARGUMENTS = "model.json"
"""File of a model's version folder with vLLM's engine arguments (`_VLLM_ENGINE_ARGS_FILENAME` of the backend)."""


class Triton(VLLM):
    """NVIDIA Triton Inference Server with its vLLM backend, whose container's `args` are those of its frontend."""

    name = "triton"
    title = "Triton"
    image_word = "tritonserver"
    exporters = ("triton",)
    metric_prefixes = ("triton_", "nv_inference_")
    server = "triton"
    typed_settings = True
    vllm_command = False
    vllm_ready_limit = False
    version_in_labels = False
    outlives_core = True

    def runs(self, container: Container) -> bool:
        """Return whether a container is Triton and is told of a model repository."""
        return split_image(container.image)[0].endswith("/tritonserver") and any(
            word.startswith("--model-repository") for word in container.args
        )

    def settings(self, container: Container, siblings: Sequence[Manifest]) -> DeclaredSettings:
        """Return the engine's arguments in the model repository."""
        return triton_settings(container, siblings)

    def server_settings(self, container: Container, settings: DeclaredSettings) -> DeclaredSettings:
        """Return what the command line tells the frontend."""
        return declared_settings(container, ())

    def tag_version(self, tag: str) -> str | None:
        """Return None: the tag is the month of Triton's release."""
        return None

    def release(self, tag: str) -> str | None:
        """Return the month of Triton's release, such as `26.07`."""
        return tag.partition("-")[0]


def triton_settings(container: Container, siblings: Sequence[Manifest]) -> DeclaredSettings:
    """Return the engine's settings: `model.json` of the ConfigMap that is mounted into Triton's container.

    Args:
        container: Triton's container.
        siblings: The resources rendered with it.
    """
    repository = container.manifest.repository
    source = mounted_config_map(container, siblings, ENGINE_ARGUMENTS)
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
