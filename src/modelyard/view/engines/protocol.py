"""What is asked of a serving engine, with the answers for one of which nothing is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from modelyard.rendering import split_image
from modelyard.view.engines.declared import declared_version
from modelyard.view.manifests import Manifest
from modelyard.view.settings import DeclaredSettings
from modelyard.view.workloads import Container, PodTemplate, Workload

VERSION_LABEL = "app.kubernetes.io/version"
# Further numbers are a plugin's, as in the tags 0.24.0.1.1.0-… of vLLM Neuron.
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+(?:\.?(?:post|rc|dev)\d+)?)(?:\.\d+)*(?:[-_+].*)?$")
NO_SERVERS = ("CronJob", "DaemonSet", "Job")
"""Kinds that run an engine's image, or hold devices, for another end: to fetch, train, compute once or watch nodes."""


class ServingEngine:
    """One serving engine: the program that answers requests in a container, and the language of its settings.

    What an engine leaves alone is not known of it, and what depends on that is not checked. An engine that is a way to
    run another one is a subclass of it, and is asked before it.

    Attributes:
        name: Its name in lower case with dashes.
        title: As its makers write it.
        core: The engine whose flags and version count, by its name in the catalogue; its own where it runs no other.
        loose: Whether it is recognised by words that others use too, so that those are asked before it.
        image_word: Word in the last part of an image's name by which its metrics are expected; empty for none.
        exporters: Exporters of the catalogue that it is.
        metric_prefixes: Beginnings of the names of metrics that nobody but a running engine of its kind serves.
        rank_flags: Settings whose product is the number of devices that one replica uses, each 1 where it is not set.
        joining_flags: Settings by any of which it waits for the other pods of its group.
        port_variable: Environment variable that it reads a port from; a Service of the right name makes it an address.
        server: Its server in the catalogue of servers, with port and paths; empty where it is not known.
        typed_settings: Whether its settings go to the core as values of Python, and not by a command line.
        vllm_command: Whether the `args` of its container are those of `vllm serve`.
        vllm_ready_limit: Whether it ends by itself when it is not ready within VLLM_ENGINE_READY_TIMEOUT_S.
        version_in_labels: Whether the label app.kubernetes.io/version of its pods is the version of the core.
        generates_tokens: Whether an answer takes its time for each token.
        outlives_core: Whether its health paths answer 200 after the core in it has died.
        probed_by_operator: Whether an operator gives its pods probes, so that manifests have none.
        caches_in_home: Whether it keeps caches below HOME where no variable says otherwise.
        resident_mib: Memory of its process with a model of some kilobytes, least and most; None where nobody measured.
        settings_keys: By version, the keys that its settings file has where these are no flags; what is not among them
            is passed over when it starts.
        is_sized: Whether `modelyard.sizing` knows what it takes of the memory of its devices.
    """

    name: str = ""
    title: str = ""
    core: str = ""
    loose: bool = False
    image_word: str = ""
    exporters: tuple[str, ...] = ()
    metric_prefixes: tuple[str, ...] = ()
    rank_flags: tuple[str, ...] = ()
    joining_flags: tuple[str, ...] = ()
    port_variable: str = ""
    server: str = ""
    typed_settings: bool = False
    vllm_command: bool = False
    vllm_ready_limit: bool = False
    version_in_labels: bool = False
    generates_tokens: bool = False
    outlives_core: bool = False
    probed_by_operator: bool = False
    caches_in_home: bool = False
    resident_mib: tuple[int, int] | None = None
    settings_keys: Mapping[str, frozenset[str]] = MappingProxyType({})
    is_sized: bool = False

    def container(self, workload: Workload) -> tuple[PodTemplate, Container] | None:
        """Return the container of a workload that it runs in, with its pod template; None where it runs in none."""
        return first_container(workload, self.runs)

    def runs(self, container: Container) -> bool:
        """Return whether a container runs it, by its image, command and arguments."""
        return False

    def runs_offline(self, container: Container) -> bool:
        """Return whether a container of a Job answers requests of a file by it, and ends."""
        return False

    def exports(self, container: Container) -> bool:
        """Return whether a container serves its metrics, in whatever kind of workload."""
        return bool(self.image_word) and self.image_word in container.image_basename

    def settings(self, container: Container, siblings: Sequence[Manifest]) -> DeclaredSettings:
        """Return what it is told, a setting by the name of vLLM's flag where that means the same.

        Args:
            container: The container that it runs in.
            siblings: The resources that are rendered with it.
        """
        problem = f"how {self.title} takes its settings is not known"
        absent_at = container.at("args")
        return DeclaredSettings({}, (), None, container, container.manifest.repository, absent_at, problem=problem)

    def server_settings(self, container: Container, settings: DeclaredSettings) -> DeclaredSettings:
        """Return the settings among which the port and host of its server are."""
        return settings

    def ranks(self, settings: DeclaredSettings) -> int | None:
        """Return how many devices one replica uses; None where its settings do not tell."""
        total = 1
        for flag in self.rank_flags:
            value = settings.get(flag, 1)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                return None
            total *= value
        return total if self.rank_flags else None

    def tag_version(self, tag: str) -> str | None:
        """Return the version of the core by the tag of its image; None where the tag tells none."""
        return version_in(tag)

    def release(self, tag: str) -> str | None:
        """Return what the tag names, of which `version-of` in its base's engine.yaml may tell the core's version."""
        return tag

    def version(
        self, workload: Workload, template: PodTemplate, container: Container, configured: Mapping[str, str]
    ) -> str | None:
        """Return the version of the core: by the tag, else by the label, else as configured, else as the base says.

        Args:
            workload: The workload that runs it.
            template: The pod template with its container.
            container: Its container.
            configured: `engine-versions` of `modelyard.yaml`, version by image name.
        """
        name, tag, _ = split_image(container.image)
        labels = (template.labels, workload.manifest.labels) if self.version_in_labels else ()
        label = next((str(each[VERSION_LABEL]) for each in labels if each.get(VERSION_LABEL)), "")
        return (
            self.tag_version(tag)
            or version_in(label)
            or configured.get(name)
            or declared_version(workload.manifest, self.release(tag))
        )


def version_in(text: str) -> str | None:
    """Return the version that a tag or label stands for, None when it is none."""
    match = _VERSION.match(text)
    return match[1] if match else None


def first_container(workload: Workload, runs: Callable[[Container], bool]) -> tuple[PodTemplate, Container] | None:
    """Return the first container that serves by an engine, with its pod template; None where none does.

    Args:
        workload: Whatever makes pods; what ends by itself serves nothing.
        runs: Whether a container runs the engine.
    """
    if workload.kind in NO_SERVERS:
        return None
    for template in workload.templates:
        for container in template.containers:
            if not container.init and runs(container):
                return template, container
    return None
