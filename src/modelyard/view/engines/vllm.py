"""vLLM: its settings are a file behind `--config`, and what the command line adds."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.rendering import split_image
from modelyard.view.engines.protocol import ServingEngine
from modelyard.view.manifests import Manifest
from modelyard.view.settings import DeclaredSettings, declared_settings
from modelyard.view.shapes import listed
from modelyard.view.workloads import Container

_LAUNCHED = ("data-parallel-size-local", "data-parallel-backend")


class VLLM(ServingEngine):
    """`vllm serve`, on GPUs and on Neuron devices."""

    name = "vllm"
    title = "vLLM"
    core = "vllm"
    loose = True
    image_word = "vllm"
    exporters: tuple[str, ...] = ("vllm",)
    metric_prefixes: tuple[str, ...] = ("vllm:",)
    server = "vllm"
    rank_flags = (
        "tensor-parallel-size",
        "pipeline-parallel-size",
        "data-parallel-size",
        "prefill-context-parallel-size",
    )
    joining_flags = ("nnodes", "data-parallel-size-local", "data-parallel-address", "distributed-executor-backend")
    port_variable = "VLLM_PORT"
    vllm_command = True
    vllm_ready_limit = True
    version_in_labels = True
    generates_tokens = True
    caches_in_home = True
    is_sized = True

    def runs(self, container: Container) -> bool:
        """Return whether name, command or image of a container say vLLM."""
        command = " ".join(str(word) for word in listed(container.value, "command"))
        return container.name == "vllm" or "vllm" in command or "vllm" in split_image(container.image)[0]

    def settings(self, container: Container, siblings: Sequence[Manifest]) -> DeclaredSettings:
        """Return the settings file's and the command line's settings."""
        return declared_settings(container, siblings)

    def ranks(self, settings: DeclaredSettings) -> int | None:
        """Return the product of the sizes; None where a launcher outside the pod decides."""
        return None if any(flag in settings for flag in _LAUNCHED) else super().ranks(settings)

    def release(self, tag: str) -> str | None:
        """Return None: what is no version as a tag of vLLM tells nothing."""
        return None
