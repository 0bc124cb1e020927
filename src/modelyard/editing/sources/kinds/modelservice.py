"""Values of llm-d-modelservice: llm-d-incubation/llm-d-modelservice at 3051935, charts/llm-d-modelservice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelyard.editing.sources.ledger import Node
from modelyard.editing.sources.others import NO_DEVICE_OF_THEIRS, SIZED_HERE, maker_of, other_engine
from modelyard.editing.sources.pods import (
    OTHERWISE,
    containers_of,
    read_container,
    read_field,
    read_volumes,
    require_devices,
)
from modelyard.editing.sources.protocol import Candidate, Source
from modelyard.editing.sources.record import ExternalDeployment, number

_ROUTED = "a Service reaches the model; the features public-endpoint and prefix-cache-routing bring routes and choice"
_PARALLEL = {
    "tensor": "tensor-parallel-size",
    "data": "data-parallel-size",
    "dataLocal": "data-parallel-size-local",
}


class ModelService(Source):
    """A values file of llm-d-modelservice whose decode pods serve alone."""

    title = "values of llm-d-modelservice"

    def candidates(self, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the model of the file."""
        for document in documents:
            if document.at("kind").exists or not document.at("modelArtifacts").exists:
                continue

            def read(found: ExternalDeployment, document: Node = document) -> None:
                _read(found, document)

            name = document.at("fullnameOverride").text
            yield Candidate(name, "values of llm-d-modelservice", document, read)


def _read(found: ExternalDeployment, document: Node) -> None:
    decode, prefill = document.at("decode"), document.at("prefill")
    if prefill.exists and prefill.at("create").value is not False and prefill.at("replicas").value != 0:
        raise found.refused(
            "make pods for prefill beside decode, which are one engine here",
            "add the model with modelyard model add ID --env NAME, which serves both in one engine",
        )
    kind = document.at("accelerator", "type").text
    maker = "" if kind in ("", "nvidia") else maker_of(kind) or f"devices of the type {kind}"
    if kind.startswith("intel"):
        maker = "Intel Gaudi" if "gaudi" in kind else "GPUs of Intel"
    if kind in ("amd", "google"):
        maker = {"amd": "AMD GPUs", "google": "TPUs of Google"}[kind]
    if maker or document.at("accelerator", "dra").value is True:
        raise found.refused(f"run on {maker or 'devices that claims ask for'}, {NO_DEVICE_OF_THEIRS}", SIZED_HERE)
    containers = containers_of(decode)
    container = next(
        (each for each in containers if each.at("name").text == "vllm"), containers[0] if containers else None
    )
    if decode.at("create").value is False or container is None:
        raise found.refused("make no pods that decode, and serve nothing")
    engine = other_engine(container.at("image").text)
    if engine is not None:
        raise found.refused(f"run {engine.name}, and vLLM is what import takes", engine.fix)
    found.name = found.name or document.at("modelArtifacts", "name").text.rpartition("/")[2]
    document.at("fullnameOverride").feeds("name")
    _model(found, document.at("modelArtifacts"))
    model, weights = found.model, found.weights
    _pods(found, decode, containers, container)
    if model:
        found.model, found.weights = model, weights
    if document.at("multinode").value is True:
        found.framework = "lws-vllm"
    document.at("multinode").is_set("the overlay says how many nodes a model takes")
    prefill.is_set("it is off there, and here")
    for key, node in document.entries():
        if key in ("routing", "common", "tracing", "requester"):
            node.is_lost(_ROUTED if key == "routing" else OTHERWISE)
        elif key in ("accelerator", "enabled", "serviceAccountOverride", "endpointPicker", "monitoring", "dra"):
            node.is_set("the overlay and its base decide")


def _model(found: ExternalDeployment, artifacts: Node) -> None:
    name, uri = artifacts.at("name"), artifacts.at("uri")
    plain = uri.text.removeprefix("pvc+")
    if uri.text.startswith("hf://") and "{{" not in plain:
        found.take_model(plain.partition("?")[0], uri)
        if name.text == found.model:
            name.feeds("model")
        elif name.text:
            found.flag("served-model-name", name.text, name)
    elif "{{" in plain and name.text:  # the chart fills it in from the name
        found.take_model(name.text, name, uri)
    else:  # weights on a volume, whose model the name tells where it is one
        found.take_model(name.text if "/" in name.text else uri.text, name)
        uri.is_lost("weights lie in a volume of the base; the features weights-* take them from elsewhere")
    for key, node in artifacts.entries():
        if key == "authSecretName":
            found.token = bool(node.text)
            node.is_set("the feature hf-token reads it from AWS Secrets Manager")
        elif key == "labels":
            node.is_lost("models have labels of their own here")
        elif key in ("size", "mountPath", "readOnly"):
            node.is_set("the overlay sizes the volume of the weights")


def _pods(found: ExternalDeployment, decode: Node, containers: Sequence[Node], container: Node) -> None:
    require_devices(found, decode, container)
    decode.at("replicas").feeds("replicas")
    found.replicas = number(found, decode.at("replicas"))
    for key, node in decode.at("parallelism").entries():
        if key in _PARALLEL:
            found.flag(_PARALLEL[key], node.text, node)
        elif key == "workers":
            node.is_set("the overlay says how many nodes a group has")
    if decode.at("autoscaling", "enabled").value is True:
        found.scale(decode.at("autoscaling", "minReplicas"), decode.at("autoscaling", "maxReplicas"))
    for key, node in decode.at("autoscaling").entries():
        if key not in ("minReplicas", "maxReplicas") or found.least is None:
            node.feeds("scaling")
    for each in containers:
        if each.path != container.path:
            each.is_lost("only the engine's container is carried over", f"container {each.at('name').text}")
    for key, node in decode.entries():
        if key in ("create", "acceleratorTypes", "nodeSelector"):
            node.is_set("the overlay says which devices it needs, and a node pool brings them")
        elif key == "volumes":
            read_volumes(node)
        elif key in ("podAnnotations", "podLabels", "annotations", "labels"):
            node.is_lost("models have labels of their own here")
        elif key == "monitoring":
            node.is_set("the base has its own")
        elif key == "extraConfig":
            node.is_lost(OTHERWISE)
        elif key not in ("replicas", "parallelism", "autoscaling", "containers"):
            read_field(key, node)
    for key in ("modelCommand", "mountModelVolume"):
        container.at(key).is_set("the base starts the engine")
    read_container(found, container, beside=frozenset({"modelCommand", "mountModelVolume"}))
