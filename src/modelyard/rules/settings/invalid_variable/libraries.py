"""Variables of the libraries below an engine: CUDA, NCCL, PyTorch, Hugging Face."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from modelyard.view import ServedModel, entries, mapping, text

Fault = tuple[str, str]
"""What is wrong with a value, after the value itself, and what to write."""

# Beginnings of names for NCCL (docs.nvidia.com/deeplearning/nccl, NCCL_SOCKET_IFNAME), whole names for the others.
_NCCL_INTERFACE = "NCCL_SOCKET_IFNAME"
# A pod of the VPC CNI has one interface beside the loopback.
_OF_PODS = ("eth0", "lo")
_FURTHER_NETWORKS = "k8s.v1.cni.cncf.io/networks"
_GPU = "nvidia.com/gpu"
# `key:value,…` of c10/core/AllocatorConfig.cpp and c10/cuda/CUDAAllocatorConfig.cpp of PyTorch 2.9.
_ALLOCATOR = re.compile(r"(?:(?:^|(?<!^),\s{0,9}+)[a-z_]{1,60}+:(?:\[[^\]]{0,400}+\]|[^,:=\s]{1,60}+))++")
_NCCL_LEVELS = ("VERSION", "WARN", "INFO", "TRACE", "ABORT")
_TRUE = frozenset({"1", "ON", "TRUE", "YES"})
_CACHES = ("HF_HUB_CACHE", "HF_HOME", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HOME")


def fault(model: ServedModel, name: str, written: str) -> Fault | None:
    """Return what is wrong with a variable of a model's container; None for a value that its library takes."""
    judge = _JUDGES.get(name)
    return judge(model, name, written) if judge is not None else None


def _interface(model: ServedModel, name: str, written: str) -> Fault | None:
    annotations = model.workload.manifest.mapping((*model.template.path, "metadata", "annotations"))
    if model.template.spec.get("hostNetwork") or _FURTHER_NETWORKS in annotations or written.startswith("^"):
        return None  # other interfaces, or those that are left out
    names = [each.strip() for each in written.removeprefix("=").split(",") if each.strip()]
    begins = name == _NCCL_INTERFACE and not written.startswith("=")
    if not names or any(own.startswith(each) if begins else own == each for own in _OF_PODS for each in names):
        return None
    return "an interface that pods do not have", f"write {_OF_PODS[0]}, the interface of a pod"


def _visible(model: ServedModel, _: str, written: str) -> Fault | None:
    """Judge a list of GPUs by the number that the pod has, which are counted from 0 inside it."""
    limit = mapping(model.container.value, "resources", "limits").get(_GPU)
    count = int(str(limit)) if str(limit).isdigit() else 0
    if not count:
        return None
    if not written.strip():
        return "no GPU at all", "remove it: a container sees its own GPUs alone"
    beyond = [each for each in written.split(",") if each.strip().isdigit() and int(each) >= count]
    if not beyond:
        return None
    first = written.split(",").index(beyond[0]) == 0
    told = "and hides all of them" if first else "and hides what comes after it"
    last = f"0 to {count - 1}" if count > 1 else "0"
    return f"the container has {count} {_GPU}, counted as {last}; {beyond[0]} is none of them {told}", "remove it"


def _endpoint(_: ServedModel, __: str, written: str) -> Fault | None:
    if re.match(r"https?://", written) or not written:
        return None
    return "an address without http:// or https://", f"write https://{written}"


def _allocator(_: ServedModel, __: str, written: str) -> Fault | None:
    if not written or _ALLOCATOR.fullmatch(written.strip()):
        return None
    return "PyTorch reads key:value pairs with commas between them", f"write {written.replace('=', ':')}"


def _level(_: ServedModel, __: str, written: str) -> Fault | None:
    if written.upper() in _NCCL_LEVELS or not written:
        return None
    return f"one of {', '.join(_NCCL_LEVELS)} is expected", "write WARN"


def _offline(model: ServedModel, _: str, written: str) -> Fault | None:
    """Judge that nothing is to be downloaded: what is loaded by name must then lie in a cache that something fills."""
    named = model.settings.model
    if written.upper() not in _TRUE or not named or named.startswith("/") or "://" in named or "$(" in named:
        return None
    variables = {text(each, "name"): text(each, "value") for each in entries(model.container.value, "env")}
    cache = next((variables[each] for each in _CACHES if variables.get(each)), "")
    mounts = entries(model.container.value, "volumeMounts")
    below = [each for each in mounts if cache and f"{cache}/".startswith(text(each, "mountPath").rstrip("/") + "/")]
    volume = text(max(below, key=lambda each: len(text(each, "mountPath")), default={}), "name")
    spec = next((each for each in entries(model.template.spec, "volumes") if text(each, "name") == volume), {})
    filled = any(
        text(mount, "name") == volume
        for container in model.template.containers
        if container.init
        for mount in entries(container.value, "volumeMounts")
    )
    if "emptyDir" not in spec or filled:
        return None
    return f"{named} is loaded by name, and the cache {cache} is an empty volume that nothing fills", "remove it"


_JUDGES: Mapping[str, Callable[[ServedModel, str, str], Fault | None]] = MappingProxyType(
    {
        _NCCL_INTERFACE: _interface,
        "GLOO_SOCKET_IFNAME": _interface,
        "TP_SOCKET_IFNAME": _interface,
        "CUDA_VISIBLE_DEVICES": _visible,
        "HF_ENDPOINT": _endpoint,
        "PYTORCH_CUDA_ALLOC_CONF": _allocator,
        "PYTORCH_ALLOC_CONF": _allocator,
        "NCCL_DEBUG": _level,
        "HF_HUB_OFFLINE": _offline,
        "TRANSFORMERS_OFFLINE": _offline,
    }
)
