"""Values of vLLM's production-stack, and its operator's VLLMRuntimes.

vllm-project/production-stack at a6c01db0: helm/values.yaml, helm/templates/deployment-vllm-multi.yaml,
operator/api/v1alpha1/vllmruntime_types.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from modelyard.editing.sources.arguments import read_flags, words_of
from modelyard.editing.sources.ledger import Node, as_text
from modelyard.editing.sources.others import NO_DEVICE_OF_THEIRS, SIZED_HERE, foreign_devices, is_device, other_engine
from modelyard.editing.sources.pods import OTHERWISE, read_field, read_resources, read_variables, read_volumes
from modelyard.editing.sources.protocol import Candidate, Source, candidate_of, head_of
from modelyard.editing.sources.record import DEVICES, ExternalDeployment, number

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SIZED = "the overlay sizes the pod"
_STORED = "weights lie in a volume of the base; the features weights-* take them from elsewhere"
_ROUTED = "a Service reaches each model; the feature prefix-cache-routing chooses among replicas"
_CACHES = "the feature kv-offload keeps KV caches in the memory of the node"
_ENGINE = "the engine's version decides; vLLM has one core today"
_OF_CHART = {
    "routerSpec": _ROUTED,
    "cacheserverSpec": _CACHES,
    "loraAdapters": "the feature lora serves adapters, by names and places of Hugging Face",
    "loraController": "the feature lora serves adapters, by names and places of Hugging Face",
    "sharedPvcStorage": _STORED,
}
_SET_BY_BASE = {
    "containerPort": "the base of the engine has its own port, and its Service asks that",
    "servicePort": "the base of the engine has its own port, and its Service asks that",
    "enableEngine": "the model is served",
    "containerSecurityContext": "the base runs without rights, as the namespace demands",
    "serviceMonitor": "the base has its own",
}


class ProductionStack(Source):
    """A values file of production-stack, of which one model is read."""

    title = "values of production-stack"

    def candidates(self, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield each model that the file deploys."""
        for document in documents:
            specs = document.at("servingEngineSpec", "modelSpec")
            if document.at("kind").exists or not specs.exists:
                continue
            for spec in specs.items():
                name = spec.at("name").text
                if spec.at("enabled").value is False:
                    continue
                pair = spec.at("lmcacheConfig", "enablePD").value is True

                def read(found: ExternalDeployment, spec: Node = spec, document: Node = document) -> None:
                    _read(found, document, spec)

                half = f"kvRole {spec.at('lmcacheConfig', 'kvRole').text}" if pair else ""
                yield Candidate(name, f"model {name} of production-stack", spec, read, half=half)


def _read(found: ExternalDeployment, document: Node, spec: Node) -> None:
    if spec.at("lmcacheConfig", "enablePD").value is True:
        raise found.refused(
            "is one half of a pair of prefill and decode (lmcacheConfig.enablePD), which are one engine here",
            "add the model with modelyard model add ID --env NAME, which serves both in one engine",
        )
    engine = other_engine(spec.at("repository").text)
    if engine is not None:
        raise found.refused(f"runs {engine.name}, and vLLM is what import takes", engine.fix)
    _rest_of_chart(found, document, spec)
    url = spec.at("modelURL")
    found.take_model(url.text, url)
    if spec.at("modelRevision").text:
        found.flag("revision", spec.at("modelRevision").text, spec.at("modelRevision"))
    spec.at("replicaCount").feeds("replicas")
    found.replicas = number(found, spec.at("replicaCount"))
    _devices(found, spec)
    _settings(found, spec.at("vllmConfig"))
    if not spec.at("vllmConfig", "enablePrefixCaching").exists and spec.at("vllmConfig").exists:
        found.notes.append(
            "prefix caching: the chart turns it off where nothing says so; here it is on, vLLM's default"
        )
    for key, flag in (("enableLoRA", "enable-lora"), ("enableTool", "enable-auto-tool-choice")):
        if spec.at(key).value is True:
            found.flag(flag, "true", spec.at(key))
        else:
            spec.at(key).is_set("it is off there, and here")
    if spec.at("toolCallParser").text:
        found.flag("tool-call-parser", spec.at("toolCallParser").text, spec.at("toolCallParser"))
    read_variables(found, spec.at("env"))
    token = spec.at("hf_token")
    if token.exists and (token.text or token.at("secretName").text):
        found.token = True
    token.is_set("the feature hf-token reads it from AWS Secrets Manager", "hf_token")
    keda = spec.at("keda")
    if keda.at("enabled").value is True:
        found.scale(keda.at("minReplicaCount"), keda.at("maxReplicaCount"))
        for key, node in keda.entries():
            if key not in ("minReplicaCount", "maxReplicaCount"):
                node.feeds("scaling")
    else:
        keda.is_set("it is off there")
    ray = spec.at("raySpec")
    if ray.at("enabled").value is True:
        found.framework = "lws-vllm"
        ray.is_set("the overlay says how many nodes a group has, and the base joins its pods without Ray")
    else:
        ray.is_set("it is off there")
    lmcache = spec.at("lmcacheConfig")
    if lmcache.at("enabled").value is True:
        lmcache.is_lost(_CACHES)
    else:
        lmcache.is_set("it is off there")
    for key, node in spec.entries():
        if key in ("repository", "tag"):
            node.is_set("environments/<env>/versions tags the engine for all its models", f"image {node.text}")
        elif key == "name":
            node.feeds("name")
        elif key == "enabled":
            node.is_set("the model is served")
        elif key.startswith("pvc") or key == "storageClass":
            node.is_lost(_STORED)
        elif key == "extraVolumes":
            read_volumes(node)
        elif key == "extraVolumeMounts":
            node.is_lost(_STORED)
        elif key == "shmSize":
            node.is_set("the base mounts /dev/shm, and the overlay sizes it")
        elif key in ("labels", "podLabels", "annotations", "podAnnotations", "serviceAnnotations"):
            node.is_lost("models have labels of their own here")
        elif key in ("chatTemplate", "chatTemplateConfigMap"):
            node.is_lost("a file beside the engine has no place; the model's own template serves")
        elif key in ("imagePullSecret", "imagePullSecrets"):
            node.is_lost("images are pulled by the role of the nodes")
        elif key in ("envFromSecret", "initContainer"):
            node.is_lost(
                "its variables come from what this repository does not hold"
                if key == "envFromSecret"
                else "the base and its features have their own"
            )
        elif key in ("nodeSelectorTerms", "nodeSelector", "tolerationsPolicy"):
            node.is_set("the overlay says which devices it needs, and a node pool brings them")
        else:
            read_field(key, node)


def _rest_of_chart(found: ExternalDeployment, document: Node, spec: Node) -> None:
    for key, node in document.entries():
        if key == "routerSpec":
            node.is_set(_ROUTED)
        elif key in _OF_CHART:
            node.is_lost(_OF_CHART[key])
    serving = document.at("servingEngineSpec")
    for key, node in serving.entries():
        if key in _SET_BY_BASE:
            node.is_set(_SET_BY_BASE[key])
        elif key in ("labels", "extraPorts", "sidecar", "extraContainers"):
            node.is_lost(OTHERWISE)
        elif key == "vllmApiKey":
            node.is_lost("a secret does not belong in Git; the feature api-key reads it from AWS Secrets Manager", key)
        elif key == "configs":
            for name, value in node.entries():
                found.variable(name, value.text, value)
        elif key == "env":
            read_variables(found, node)
        elif key != "modelSpec":
            read_field(key, node)
    for each in serving.at("modelSpec").items():
        if each.at("enabled").value is False and each.path != spec.path:
            each.is_lost("it is not deployed there", f"model {each.at('name').text}")


def _devices(found: ExternalDeployment, spec: Node) -> None:
    kind = spec.at("requestGPUType").text or "nvidia.com/gpu"
    gpus = spec.at("requestGPU")
    if isinstance(gpus.value, float) and not gpus.value.is_integer():
        raise found.refused(
            f"asks for {gpus.text} of a GPU, and nodes here have whole GPUs",
            "the features gpu-mig, gpu-mps and gpu-time-slicing share GPUs: modelyard model add ID --env NAME",
        )
    asked = [(kind, gpus.text)] if is_device(kind) else []
    if any(spec.at(key).exists for key in ("requestGPUMem", "requestGPUMemPercentage", "requestGPUCores")):
        raise found.refused(
            "shares GPUs by HAMi, which is not a component here",
            "the features gpu-mig, gpu-mps and gpu-time-slicing share GPUs: modelyard model add ID --env NAME",
        )
    what = foreign_devices(asked, f"{spec.at('repository').text}:{spec.at('tag').text}")
    if what:
        raise found.refused(f"runs on {what}, {NO_DEVICE_OF_THEIRS}", SIZED_HERE)
    if gpus.exists:
        gpus.feeds("devices")
        found.devices, found.accelerator = number(found, gpus), DEVICES.get(kind, "gpu")
    spec.at("requestGPUType").feeds("devices")
    for key in ("requestCPU", "requestMemory", "limitCPU", "limitMemory"):
        spec.at(key).is_set(_SIZED)
    read_resources(found, spec.at("resources"))


def _settings(found: ExternalDeployment, config: Node) -> None:
    for key, node in config.entries():
        if key == "extraArgs":
            read_flags(found, words_of(node))
        elif key in ("v0", "v1"):
            node.is_set(_ENGINE)
        elif key == "prometheusMultiprocDir":
            node.is_set("the base has its own")
        elif key == "port":
            node.is_set("the base of the engine has its own port, and its Service asks that")
        elif key == "env":
            read_variables(found, node)
        elif node.exists:
            found.flag(_CAMEL.sub("-", key).lower(), as_text(node.value), node)


class VLLMRuntime(Source):
    """A VLLMRuntime of production-stack's operator."""

    title = "VLLMRuntime of production-stack"
    kinds = ("VLLMRuntime",)

    def of_manifest(self, manifest: Node, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the runtime."""
        yield candidate_of(manifest, partial(_runtime, manifest=manifest), weight=2)


def _runtime(found: ExternalDeployment, manifest: Node) -> None:
    head_of(manifest)
    spec = manifest.at("spec")
    model, deployment = spec.at("model"), spec.at("deploymentConfig")
    found.take_model(model.at("modelURL").text, model.at("modelURL"))
    for key, node in model.entries():
        if key == "hfTokenSecret":
            found.token = True
            node.is_set("the feature hf-token reads it from AWS Secrets Manager")
        elif key == "chatTemplate":
            node.is_lost("a file beside the engine has no place; the model's own template serves")
        elif key in ("enableLoRA", "enableTool"):
            flag = "enable-lora" if key == "enableLoRA" else "enable-auto-tool-choice"
            if node.value is True:
                found.flag(flag, "true", node)
            else:
                node.is_set("it is off there, and here")
        elif key in ("maxModelLen", "dtype", "maxNumSeqs", "toolCallParser") and node.exists:
            flag = "dtype" if key == "dtype" else _CAMEL.sub("-", key).lower()
            found.flag(flag, as_text(node.value), node)
    _settings(found, spec.at("vllmConfig"))
    cache = spec.at("lmCacheConfig")
    cache.is_lost(_CACHES) if cache.at("enabled").value is True else cache.is_set("it is off there")
    spec.at("storageConfig").is_lost(_STORED)
    spec.at("autoscalingConfig").feeds("scaling")
    if spec.at("autoscalingConfig", "enabled").value is True:
        found.scale(spec.at("autoscalingConfig", "minReplicas"), spec.at("autoscalingConfig", "maxReplicas"))
    resources = deployment.at("resources")
    kind = resources.at("gpuType").text or "nvidia.com/gpu"
    image = deployment.at("image", "name").text
    what = foreign_devices([(kind, resources.at("gpu").text)], image)
    if what:
        raise found.refused(f"runs on {what}, {NO_DEVICE_OF_THEIRS}", SIZED_HERE)
    resources.is_set(_SIZED)
    resources.at("gpu").feeds("devices")
    resources.at("gpuType").feeds("devices")
    found.devices = number(found, resources.at("gpu"))
    deployment.at("replicas").feeds("replicas")
    found.replicas = number(found, deployment.at("replicas"))
    for key, node in deployment.entries():
        if key == "image":
            node.is_set("environments/<env>/versions tags the engine for all its models", f"image {image}")
        elif key == "sidecarConfig":
            node.is_lost("only the engine's container is carried over")
        elif key in ("nodeSelectorTerms", "toleration"):
            node.is_set("the overlay says which devices it needs, and a node pool brings them")
        elif key == "shmSize":
            node.is_set("the base mounts /dev/shm, and the overlay sizes it")
        elif key == "runtimeClass":
            node.is_set("the nodes' own runtime brings the devices")
        elif key == "podAnnotations":
            node.is_lost(OTHERWISE)
        elif key not in ("resources", "replicas"):
            read_field(key, node)
