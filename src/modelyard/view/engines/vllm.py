"""vLLM: its settings are a file behind `--config`, and what the command line adds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from modelyard.view.command_lines import command_words
from modelyard.view.engines.protocol import ServingEngine
from modelyard.view.manifests import Manifest
from modelyard.view.settings import DeclaredSettings, declared_settings
from modelyard.view.shapes import listed, mapping
from modelyard.view.workloads import Container

# A script or a launcher that starts it.
_STARTED = re.compile(
    r"\bvllm\s{1,20}serve\b|\bvllm\.entrypoints\.[\w.]{0,60}api_server\b|\bvllm/entrypoints/[\w/]{0,60}api_server\.py"
)
_IMAGE = re.compile(r"(?:^|[-_.])vllm(?:$|[-_.])")
_OTHER_END = re.compile(
    r"(?:^|[-_./ ])(?:bench|benchmark|benchmarks|exporter|operator|proxy|router|run-batch)(?:$|[-_. ])"
)
_MODULE = re.compile(r"vllm\.entrypoints\.(?:[\w.]+\.)?(?:api_server|run_batch)")
# vllm/entrypoints/cli/run_batch.py: it takes the flags of the engine, a file of requests and one for the answers.
_BATCH = re.compile(r"\bvllm\s{1,20}run-batch\b|\bvllm\.entrypoints\.[\w.]{0,60}run_batch\b")
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
        """Return whether a container serves by vLLM: by its command, else by its image and what it may be for."""
        words = [each.text for each in command_words(container)]
        if _STARTED.search(" ".join(words)):
            return True
        if _OTHER_END.search(" ".join([container.image_basename, *words[:2]])):
            return False
        named = container.name == "vllm" or _IMAGE.search(container.image_basename) is not None
        # The image's own entry point serves; another command may, where there is a device for it or the name says so.
        # A program that only calls vLLM names it too, as gradio-vllm: it is told nothing and holds no device.
        own_entry = not listed(container.value, "command") and (
            container.image_basename.startswith("vllm") or bool(container.args)
        )
        return named and (own_entry or container.name == "vllm" or bool(_devices(container)))

    def runs_offline(self, container: Container) -> bool:
        """Return whether a container answers a file of requests by `vllm run-batch`."""
        return _BATCH.search(" ".join(each.text for each in command_words(container))) is not None

    def settings(self, container: Container, siblings: Sequence[Manifest]) -> DeclaredSettings:
        """Return the settings file's and the command line's settings."""
        return declared_settings(container, siblings, program_start)

    def ranks(self, settings: DeclaredSettings) -> int | None:
        """Return the product of the sizes; None where a launcher outside the pod decides."""
        return None if any(flag in settings for flag in _LAUNCHED) else super().ranks(settings)

    def release(self, tag: str) -> str | None:
        """Return None: what is no version as a tag of vLLM tells nothing."""
        return None


def program_start(words: Sequence[str]) -> int | None:
    """Return which word is the first of those of `vllm serve` or `vllm run-batch`; None where neither is started.

    Python may run it as a module or as a file; whatever stands before, such as `exec` or `numactl`, is passed over.
    """
    for number, word in enumerate(words):
        follows = words[number + 1] if number + 1 < len(words) else ""
        if word.rpartition("/")[2] == "vllm" and follows in ("serve", "run-batch"):
            return number + 2
        if word == "-m" and _MODULE.fullmatch(follows):
            return number + 2
        if word.endswith("api_server.py") and "vllm/entrypoints" in word:
            return number + 1
    return None


def _devices(container: Container) -> dict[str, Any]:
    limits = mapping(container.value, "resources", "limits")
    return {name: amount for name, amount in limits.items() if "/" in str(name) and not str(name).startswith("vpc.")}
