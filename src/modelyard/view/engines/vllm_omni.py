"""vLLM-Omni, to which vLLM hands over when it is told so."""

from __future__ import annotations

from modelyard.view.command_lines import command_words
from modelyard.view.engines.vllm import VLLM
from modelyard.view.workloads import Container

_SWITCH = "--omni"


class VLLMOmni(VLLM):
    """`vllm serve --omni`: pipelines that make images. vLLM reads the switch from its command line alone."""

    name = "vllm-omni"
    title = "vLLM-Omni"
    core = "vllm-omni"
    exporters = ("vllm", "vllm-omni")
    metric_prefixes = ("vllm_omni:",)
    vllm_ready_limit = False  # its own limits are the settings init-timeout and stage-init-timeout
    version_in_labels = False
    generates_tokens = False

    def runs(self, container: Container) -> bool:
        """Return whether a container's vLLM is told to hand over."""
        return _is_told(container) and super().runs(container)

    def exports(self, container: Container) -> bool:
        """Return whether a container's vLLM is told to hand over."""
        return _is_told(container) and super().exports(container)

    def release(self, tag: str) -> str | None:
        """Return the tag, which names a line of AWS's images."""
        return tag


def _is_told(container: Container) -> bool:
    """Return whether the switch stands in the arguments, the command or the script of a container."""
    return _SWITCH in " ".join(each.text for each in command_words(container)).split()
