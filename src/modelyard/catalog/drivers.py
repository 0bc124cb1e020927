"""Drivers in the images of nodes, and what the images of engines need of them and of the devices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from modelyard.catalog.loading import DATA, read_yaml

NVIDIA, NEURON = "nvidia", "neuron"
_ALIAS = re.compile(r"(bottlerocket|al2023)@v(\d+(?:\.\d+){0,2})")
_SDK = re.compile(r"sdk(\d+\.\d+)(?:\.\d+)*")
_CUDA = re.compile(r"(?<![a-z0-9])cu(\d{2})\d?(?![0-9])")
_VLLM_IMAGE = "vllm/vllm-openai"
_NEWEST_KNOWN_CUDA = 13


@dataclass(frozen=True, slots=True)
class Driver:
    """The driver in the image of a node.

    Attributes:
        kind: `nvidia` or `neuron`.
        version: Its version, or the branch where that is all that is known.
        or_newer: Whether it may be a newer one.
    """

    kind: str
    version: str
    or_newer: bool = False

    def older_than(self, version: str) -> bool | None:
        """Return whether it is older than a version; None where it cannot be told."""
        own, other = _numbers(self.version), _numbers(version)
        if len(own) == 1 and own[0] == other[0]:
            return None  # of a branch it is not known how far it has come
        if own >= other:
            return False
        return None if self.or_newer else True

    def __str__(self) -> str:
        return f"{self.version} or newer" if self.or_newer else self.version


def node_driver(alias: str, kind: str) -> Driver | None:
    """Return the driver in the image that an alias of Karpenter names; None where it is not known.

    Args:
        alias: Such as `bottlerocket@v1.64.0`.
        kind: `nvidia` or `neuron`.
    """
    found = _ALIAS.fullmatch(alias)
    if found is None:
        return None
    family, release = found.groups()
    if family == "al2023":
        named = _data()["al2023"]["releases"].get(f"v{release}")
        return Driver(kind, str(named[kind])) if named else None
    facts = _data()["bottlerocket"]
    since = [each for each in facts[kind] if _numbers(str(each["since"])) <= _numbers(release)]
    if not since or since[-1]["version"] == "unknown":
        return None
    # Drivers do not go back; what came after the last release that was read is at least what that one has.
    newer = bool(since[-1].get("or-newer")) or _numbers(release) > _numbers(str(facts["read-to"]))
    return Driver(kind, str(since[-1]["version"]), newer)


def first_image_for(alias: str, kubernetes: str) -> str:
    """Return the first release of Bottlerocket with images for a Kubernetes version, where an alias is older.

    Returns:
        Such as `v1.61.0`; empty where the alias names an image that is there, or where it is not known.
    """
    found = _ALIAS.fullmatch(alias)
    first = _data()["bottlerocket"]["kubernetes"].get(kubernetes)
    if found is None or found[1] != "bottlerocket" or first is None:
        return ""
    return f"v{first}" if _numbers(found[2]) < _numbers(str(first)) else ""


def neuron_sdk(tag: str) -> str | None:
    """Return the version of the Neuron SDK that an image's tag names, without its patch; None where it names none."""
    found = _SDK.search(tag)
    return found[1] if found else None


def neuron_refusal(sdk: str, driver: Driver) -> str | None:
    """Return why the runtime of a Neuron SDK does not start on a driver; empty where it does, None where unknown."""
    facts = _data()["neuron"]
    runtime = facts["runtimes"].get(sdk)
    if runtime is None:
        return None
    first, second = facts["runtime-needs-driver"], facts["driver-needs-runtime"]
    if _numbers(str(runtime)) >= _numbers(str(first["runtime"])):
        older = driver.older_than(str(first["driver"]))
        if older is None:
            return None
        if older:
            return f"runtime {runtime} of Neuron SDK {sdk} needs driver {first['driver']} or newer"
    if _numbers(str(runtime)) < _numbers(str(second["runtime"])):
        older = driver.older_than(str(second["driver"]))
        if older is None:
            return None
        if not older:
            return f"driver {second['driver']} and newer need runtime {second['runtime']}, and SDK {sdk} has {runtime}"
    return ""


def neuron_families(vllm: str) -> tuple[str, ...]:
    """Return the families that the makers list for their image with a vLLM version; empty where it is not known."""
    for row in _data()["neuron"]["images"]:
        if _numbers(str(row["vllm"])) == _numbers(vllm)[:2]:
            return tuple(row["families"])
    return ()


def neuron_kernel_tokens(sdk: str, family: str) -> int | None:
    """Return from how many tokens on attention runs in a kernel that a family no longer has; None where it has it."""
    facts = _data()["neuron"]["without-kernels"]
    missing = _numbers(sdk) >= _numbers(str(facts["sdk"])) and family in facts["families"]
    return int(facts["tokens"]) if missing else None


def cuda_of(image: str, tag: str, vllm: str | None) -> int | None:
    """Return the major version of CUDA in an image; None where it is not known.

    Args:
        image: Name of the image.
        tag: Its tag, which may say it, as in `cu129`.
        vllm: Version of vLLM in it, where that is known.
    """
    if found := _CUDA.search(tag):
        return int(found[1])
    if not image.endswith(_VLLM_IMAGE) or vllm is None:
        return None
    since = [each for each in _data()["cuda"]["images"] if _numbers(str(each["since"])) <= _numbers(vllm)]
    return int(since[-1]["cuda"]) if since else None


def cuda_driver(cuda: int | None) -> str | None:
    """Return the oldest driver for a major version of CUDA; of an unknown one that of the newest known."""
    found = _data()["cuda"]["minimum-drivers"].get(str(cuda or _NEWEST_KNOWN_CUDA))
    return str(found) if found else None


def cuda_capability(cuda: int) -> tuple[int, int] | None:
    """Return the lowest compute capability for which a major version of CUDA builds; None where it is not known."""
    found = _data()["cuda"]["minimum-capabilities"].get(str(cuda))
    if found is None:
        return None
    major, minor = str(found).split(".")
    return int(major), int(minor)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", version))


@cache
def _data() -> Mapping[str, Any]:
    found: Mapping[str, Any] = read_yaml(DATA / "drivers.yaml")
    return found
