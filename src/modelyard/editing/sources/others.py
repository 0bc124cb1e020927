"""What is recognised and never made a model of: devices of other makers, other engines, and halves of a pair."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modelyard.editing.sources.ledger import Node
from modelyard.editing.sources.record import ADD, DEVICES
from modelyard.wording import join_and

_DEVICE_NAMES = frozenset({"gpu", "gaudi", "tpu", "npu", "xpu", "i915", "xe", "gpu.shared", "neuroncore", "atom"})
_MAKERS = {
    "rocm": "AMD GPUs",
    "gaudi": "Intel Gaudi",
    "habana": "Intel Gaudi",
    "hpu": "Intel Gaudi",
    "tpu": "TPUs of Google",
    "xpu": "GPUs of Intel",
    "ascend": "NPUs of Huawei",
    "-cpu": "CPUs",
    "cpu-": "CPUs",
    "arm64-cpu": "CPUs",
}
NO_DEVICE_OF_THEIRS = "and nodes here have whole GPUs of NVIDIA or Neuron devices"
SIZED_HERE = "add the model with modelyard model add ID --env NAME, which sizes it for a device that is here"


@dataclass(frozen=True, slots=True)
class OtherEngine:
    """An engine that is not vLLM.

    Attributes:
        name: As its makers write it.
        fix: What is here instead.
    """

    name: str
    fix: str = ADD


_VLLM_SERVES = "vLLM serves most of its models: modelyard model add ID --env NAME"
_ENGINES = (
    (re.compile(r"sglang|sgl-model-gateway"), OtherEngine("SGLang", _VLLM_SERVES)),
    (re.compile(r"text-generation-(?:inference|launcher)|/tgi[-:]|pytorch-tgi"), OtherEngine("TGI", _VLLM_SERVES)),
    (
        re.compile(r"text-embeddings-(?:inference|router)|/tei[-:]"),
        OtherEngine(
            "Text Embeddings Inference", "overlays of embedding models run on vLLM here, such as bge-m3-vllm-gpu"
        ),
    ),
    (re.compile(r"llama[.-]cpp|llama-server|llama_cpp|llamacpp"), OtherEngine("llama.cpp", _VLLM_SERVES)),
    (re.compile(r"(?:^|[/ ])ollama"), OtherEngine("Ollama", _VLLM_SERVES)),
    (re.compile(r"tensorrt[-_]?llm|trtllm"), OtherEngine("TensorRT-LLM", _VLLM_SERVES)),
    (
        re.compile(r"tritonserver"),
        OtherEngine(
            "Triton", "overlays of the engine triton-vllm run vLLM in Triton: modelyard model add ID --engine …"
        ),
    ),
    (
        re.compile(r"nvcr\.io/nim/"),
        OtherEngine("NIM, an image of NVIDIA's that brings engine, model and settings in one"),
    ),
    (re.compile(r"lmdeploy"), OtherEngine("LMDeploy", _VLLM_SERVES)),
    (re.compile(r"djl-serving|djl-inference|djl_python"), OtherEngine("DJL Serving", _VLLM_SERVES)),
    (re.compile(r"torchserve"), OtherEngine("TorchServe")),
    (re.compile(r"tensorflow[/-](?:model-)?serving|tf-serving"), OtherEngine("TensorFlow Serving")),
    (re.compile(r"jetstream|maxengine|maxtext"), OtherEngine("JetStream", _VLLM_SERVES)),
    (re.compile(r"michaelf34/infinity|infinity_emb"), OtherEngine("Infinity", _VLLM_SERVES)),
    (
        re.compile(r"inference-sim|vllm-mock|mock-vllm|vllm-sim|simulator"),
        OtherEngine("a simulator, which serves no model"),
    ),
    (
        re.compile(r"mlserver|sklearnserver|xgbserver|lgbserver"),
        OtherEngine(
            "a server of classic models",
            "overlays of the engine mlserver serve those: modelyard model add tabular-sklearn-mlserver-cpu",
        ),
    ),
    (
        re.compile(r"mooncake_master|lmcache_server|lmcache-server"),
        OtherEngine("a server of KV caches, beside engines"),
    ),
)
# Roles of one half, and connectors that do nothing but hand the KV cache to another engine, whose role may be kv_both:
# vllm/distributed/kv_transfer/kv_connector/factory.py of vllm-project/vllm.
_ROLES = ("kv_producer", "kv_consumer", "NixlConnector", "P2pNcclConnector", "MooncakeConnector")


def other_engine(*texts: str) -> OtherEngine | None:
    """Return which engine other than vLLM an image or a command names; None where none does."""
    told = " ".join(texts).lower()
    return next((engine for pattern, engine in _ENGINES if pattern.search(told)), None)


def half(words: Sequence[str]) -> str:
    """Return by what an engine is one half of a pair of prefill and decode; empty for a whole one."""
    text = " ".join(words)
    return next((role for role in _ROLES if role in text), "")


def foreign_devices(asked: Sequence[tuple[str, str]], image: str) -> str:
    """Return which devices no node here has, by what is asked for and the image; empty where all may be here.

    Args:
        asked: Names of resources with amounts.
        image: The image, empty where there is none.
    """
    found = sorted({f"{name}: {amount}" for name, amount in asked if name not in DEVICES and is_device(name)})
    if found:
        return join_and(found)
    return maker_of(image) and f"{maker_of(image)} (image {image})"


def maker_of(text: str) -> str:
    """Return whose devices an image or profile is for, where it is neither NVIDIA's nor Neuron's."""
    lower = text.lower()
    return next((maker for word, maker in _MAKERS.items() if word in lower), "")


def is_device(resource: str) -> bool:
    """Return whether an extended resource stands for an accelerator or a part of one."""
    maker, separator, name = resource.lower().partition("/")
    known = name in _DEVICE_NAMES or name.startswith(("mig-", "habana", "gpu-mem", "gpumem", "gpucores"))
    return bool(separator) and (known or name.endswith(("-gpu", ".shared")) or "habana" in maker or "gpu" in maker)


def resources_asked(resources: Node) -> Iterator[tuple[str, str]]:
    """Yield the names and amounts of requests and limits."""
    for part in ("requests", "limits"):
        for name, node in resources.at(part).entries():
            yield name, node.text
