"""How the nodes of a pool share or cut their GPUs, as their settings say."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from modelyard.cluster import Environment, Pool, mapping
from modelyard.placement import BOTTLEROCKET, ami_family

CONFIG_LABEL = "nvidia.com/device-plugin.config"
"""Label of a node that names its configuration of the NVIDIA device plugin."""
TIME_SLICING, MPS, MIG = "time-slicing", "MPS", "MIG"
_LEAST_REPLICAS = 2  # where Bottlerocket is told to share and not among how many


@dataclass(frozen=True, slots=True)
class Sharing:
    """How a pool's GPUs are handed out.

    Attributes:
        how: `time-slicing`, `MPS` or `MIG`.
        replicas: How many pods share a GPU; 0 for parts that MIG makes, whose number depends on the device.
    """

    how: str
    replicas: int = 0


def shared_pools(environment: Environment) -> dict[str, Sharing]:
    """Return the node pools whose GPUs are shared or cut, by name."""
    told = ((pool.name, sharing(pool, environment)) for pool in environment.pools)
    return {name: found for name, found in told if found is not None}


def sharing(pool: Pool, environment: Environment) -> Sharing | None:
    """Return how the nodes of a pool share their GPUs; None where each is one pod's, or nobody says otherwise."""
    if pool.node_class is None:
        return None
    spec = pool.node_class.mapping("spec")
    if ami_family(spec) == BOTTLEROCKET:
        return _of_bottlerocket(str(spec.get("userData") or ""))
    name = pool.labels.get(CONFIG_LABEL)
    return _of_plugin(_configuration(environment, str(name))) if name else None


def _of_bottlerocket(user_data: str) -> Sharing | None:
    try:
        told: Any = tomllib.loads(user_data)
    except tomllib.TOMLDecodeError:
        return None  # the node does not start with it, which is no matter of sharing
    nvidia = mapping(told, "settings", "kubelet-device-plugins", "nvidia")
    if nvidia.get("device-partitioning-strategy") == "mig":
        return Sharing(MIG)
    strategy = nvidia.get("device-sharing-strategy")
    how = {"time-slicing": TIME_SLICING, "mps": MPS}.get(str(strategy))
    if how is None:
        return None
    replicas = mapping(nvidia, str(strategy)).get("replicas")
    return Sharing(how, replicas if isinstance(replicas, int) else _LEAST_REPLICAS)


def _configuration(environment: Environment, name: str) -> Mapping[str, Any]:
    """Return a configuration that the plugin's chart is given by name; empty where it is not given."""
    for values in environment.chart_values:
        if values.source.chart == "nvidia-device-plugin":
            text = values.get(("config", "map", name))
            try:
                found = yaml.safe_load(str(text or ""))
            except yaml.YAMLError:
                return {}
            return found if isinstance(found, dict) else {}
    return {}


def _of_plugin(configuration: Mapping[str, Any]) -> Sharing | None:
    if mapping(configuration, "flags").get("migStrategy") in ("single", "mixed"):
        return Sharing(MIG)
    for key, how in (("timeSlicing", TIME_SLICING), ("mps", MPS)):
        replicas = max(_replicas(mapping(configuration, "sharing", key)), default=0)
        if replicas > 1:
            return Sharing(how, replicas)
    return None


def _replicas(shares: Mapping[str, Any]) -> Iterator[int]:
    resources = shares.get("resources")
    for each in resources if isinstance(resources, list) else ():
        if isinstance(each, dict) and isinstance(each.get("replicas"), int):
            yield each["replicas"]
