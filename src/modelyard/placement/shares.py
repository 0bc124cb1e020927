"""How the nodes of a pool share their devices among pods: cut by MIG, or taken in turn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.catalog import InstanceType
from modelyard.findings import UserError
from modelyard.repository.toml import MalformedTOML, parsed
from modelyard.repository.yaml import documents
from modelyard.view import Environment, Pool, entries, mapping

PLUGIN_LABEL = "nvidia.com/device-plugin.config"
"""Label of nodes that names a configuration of NVIDIA's device plugin; Bottlerocket has settings instead."""

PLUGIN_CHART = "nvidia-device-plugin"
_CUT = re.compile(r'\["([a-z0-9]+\.[0-9]+gb)"\]="([0-9]+g\.[0-9]+gb)"')
"""What a script cuts a kind of device into, as the choice `gpu-mig-al2023` writes it."""
MIG, TIME_SLICING, MPS = "mig", "time-slicing", "mps"
_PROFILE = re.compile(r"(\d+)g\.(\d+)gb")
_COMPUTE_SLICES, _MEMORY_SLICES = 7, 8
"""Slices that a device with MIG has: A100, H100 and H200 alike."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What the nodes of a pool do with their devices.

    Attributes:
        strategy: `mig`, `time-slicing` or `mps`; empty where a pod gets whole devices.
        pods: Pods that share one device.
        profiles: Device and MIG profile, as Bottlerocket names devices (`h100.80gb`).
        unknown: Why it cannot be told; empty when it can.
        renamed: Whether shares are offered as `nvidia.com/gpu.shared`.
    """

    strategy: str = ""
    pods: int = 1
    profiles: tuple[tuple[str, str], ...] = ()
    unknown: str = ""
    renamed: bool = False

    def profile_of(self, name: str, memory_mib: int) -> str:
        """Return the MIG profile that a kind of device is cut by; empty where none is named for it.

        Args:
            name: The device as EC2 names it, such as `H100`.
            memory_mib: Its nominal memory in MiB.
        """
        return dict(self.profiles).get(f"{name.lower()}.{memory_mib // 1024}gb", "")

    def shares(self, kind: InstanceType) -> int | None:
        """Return how many pods get one device of an instance type each; None where it cannot be told.

        This is what one device counts once the device plugin has told the kubelet. A MIG profile fits as often as the
        slices of its name do, of 7 for computing and 8 of memory (NVIDIA's MIG user guide, "Supported MIG profiles").
        """
        if self.unknown:
            return None
        device = kind.accelerator
        if self.strategy != MIG or device is None or device.memory_mib is None:
            return self.pods
        profile = _PROFILE.fullmatch(self.profile_of(device.name, device.memory_mib))
        if profile is None:
            return 1
        slice_gb = device.memory_mib / 1024 / _MEMORY_SLICES
        memory_slices = max(1, round(int(profile[2]) / slice_gb))
        return max(1, min(_COMPUTE_SLICES // int(profile[1]), _MEMORY_SLICES // memory_slices))


WHOLE_DEVICES = Sharing()
"""A pod gets whole devices."""


def plugin_configurations(environment: Environment) -> Mapping[str, Any]:
    """Return the configurations of NVIDIA's device plugin by name, as the values of its chart have them."""
    for values in environment.chart_values:
        if values.source.chart == PLUGIN_CHART:
            found = values.get("config.map")
            return found if isinstance(found, dict) else {}
    return {}


def sharing_of(pool: Pool, configurations: Mapping[str, Any]) -> Sharing:
    """Return how the nodes of a pool share their devices.

    Bottlerocket reads `settings.kubelet-device-plugins.nvidia` of the node class; on other images the device plugin
    takes the configuration that a label of the node names, and a script of the node class may have cut the devices.
    """
    data = pool.node_class.get("spec.userData") if pool.node_class is not None else None
    if isinstance(data, str) and "kubelet-device-plugins" in data:
        try:
            settings = parsed(data)
        except MalformedTOML as problem:
            return Sharing(unknown=f"the user data of {pool.node_class} is no TOML: {problem}")
        return _of_bottlerocket(mapping(settings, "settings", "kubelet-device-plugins", "nvidia"))
    name = pool.labels.get(PLUGIN_LABEL)
    if name is None:
        return WHOLE_DEVICES
    if name not in configurations:
        return Sharing(unknown=f"{pool} names {name} as configuration of the device plugin, which is not known here")
    found = _of_plugin(str(configurations[name]))
    if found.strategy == MIG and isinstance(data, str) and (cut := tuple(sorted(_CUT.findall(data)))):
        return Sharing(MIG, profiles=cut)
    return found


def _of_bottlerocket(nvidia: Mapping[str, Any]) -> Sharing:
    if nvidia.get("device-partitioning-strategy") == MIG:
        profiles = mapping(nvidia, "mig", "profile")
        return Sharing(MIG, profiles=tuple(sorted((str(name).lower(), str(each)) for name, each in profiles.items())))
    strategy = str(nvidia.get("device-sharing-strategy") or "")
    if strategy not in (TIME_SLICING, MPS):
        return WHOLE_DEVICES
    # Bottlerocket renames what is shared unless it is told not to.
    settings = mapping(nvidia, strategy)
    return Sharing(strategy, _count(settings.get("replicas")), renamed=settings.get("rename-by-default") is not False)


def _of_plugin(text: str) -> Sharing:
    try:
        content = documents("config", text)
    except UserError as error:
        return Sharing(unknown=error.message)
    found = content[0] if content else {}
    for strategy, key in ((TIME_SLICING, "timeSlicing"), (MPS, "mps")):
        for resource in entries(found, "sharing", key, "resources"):
            if str(resource.get("name", "")).startswith("nvidia.com/gpu"):
                renamed = mapping(found, "sharing", key).get("renameByDefault") is True or "rename" in resource
                return Sharing(strategy, _count(resource.get("replicas")), renamed=renamed)
    if mapping(found, "flags").get("migStrategy") == "single":
        return Sharing(MIG, unknown="how its nodes cut their devices by MIG is not in the configuration")
    return WHOLE_DEVICES


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 1
