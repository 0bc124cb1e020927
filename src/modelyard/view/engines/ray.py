"""Ray Serve with `ray.serve.llm`: vLLM in a Ray cluster of its own, told by the Serve config of a RayService."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.view.engines.protocol import version_in
from modelyard.view.engines.vllm import VLLM
from modelyard.view.manifests import Manifest
from modelyard.view.ray import ray_container, ray_settings
from modelyard.view.settings import DeclaredSettings
from modelyard.view.workloads import Container, PodTemplate, Workload


class RayServe(VLLM):
    """vLLM in the workers of a RayService."""

    name = "ray"
    title = "Ray Serve"
    image_word = "ray"
    exporters = ("ray",)
    metric_prefixes = ("ray_",)
    server = ""  # Serve's proxies answer, whose ports KubeRay knows
    typed_settings = True
    vllm_command = False
    vllm_ready_limit = False
    version_in_labels = False
    probed_by_operator = True
    caches_in_home = False

    def container(self, workload: Workload) -> tuple[PodTemplate, Container] | None:
        """Return the container of a RayService in which its replicas run."""
        return ray_container(workload)

    def settings(self, container: Container, siblings: Sequence[Manifest]) -> DeclaredSettings:
        """Return the settings of the one model of the Serve config."""
        return ray_settings(container)

    def tag_version(self, tag: str) -> str | None:
        """Return None: the tag is Ray's version."""
        return None

    def release(self, tag: str) -> str | None:
        """Return the version of Ray."""
        return version_in(tag)
