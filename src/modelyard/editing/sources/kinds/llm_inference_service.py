"""LLMInferenceServices of KServe.

Fields: kserve/kserve at aaac4e29, pkg/apis/serving/v1alpha2/llm_inference_service_types.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from modelyard.editing.sources.arguments import Word, read_flags, split, words_of
from modelyard.editing.sources.ledger import Node, Outcome
from modelyard.editing.sources.others import NO_DEVICE_OF_THEIRS, SIZED_HERE, other_engine
from modelyard.editing.sources.pods import containers_of, engine_container, read_field, read_pod
from modelyard.editing.sources.protocol import Candidate, Source, candidate_of, head_of
from modelyard.editing.sources.record import ExternalDeployment, number

_ROUTING = (
    "a Service reaches the model here; the features public-endpoint and prefix-cache-routing bring routes and choice "
    "among replicas"
)
_PARALLEL = {
    "tensor": "tensor-parallel-size",
    "pipeline": "pipeline-parallel-size",
    "data": "data-parallel-size",
    "dataLocal": "data-parallel-size-local",
    "dataRPCPort": "data-parallel-rpc-port",
    "expert": "enable-expert-parallel",
}
_MORE_ARGUMENTS = "VLLM_ADDITIONAL_ARGS"


class LLMInferenceService(Source):
    """An LLMInferenceService of KServe, whose engine is vLLM."""

    title = "LLMInferenceService of KServe"
    kinds = ("LLMInferenceService",)

    def of_manifest(self, manifest: Node, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the service."""
        yield candidate_of(manifest, partial(_read, manifest=manifest), weight=2)


def _read(found: ExternalDeployment, manifest: Node) -> None:
    spec = manifest.at("spec")
    if spec.at("prefill").value is not None:
        raise found.refused(
            "has prefill beside decode, which are one engine here",
            "add the model with modelyard model add ID --env NAME, which serves both in one engine",
        )
    if spec.at("baseRefs").exists:
        names = ", ".join(each.at("name").text for each in spec.at("baseRefs").items())
        raise found.refused(
            f"takes part of its spec from {names}, which KServe merges in",
            "write what those hold into it, and take baseRefs out",
        )
    dra = manifest.at("metadata", "annotations", "serving.kserve.io/exp-dra-device-class").text
    if dra and dra != "gpu.nvidia.com":
        raise found.refused(f"runs on devices of the class {dra}, {NO_DEVICE_OF_THEIRS}", SIZED_HERE)
    head_of(manifest)
    model = spec.at("model")
    found.take_model(model.at("uri").text, model.at("uri"))
    if model.at("name").text and model.at("name").text != found.model:
        found.flag("served-model-name", model.at("name").text, model.at("name"))
    elif model.at("name").exists:
        model.at("name").feeds("model")
    model.at("lora").is_lost("the feature lora serves adapters: modelyard feature on NAME lora, then set lora-modules")
    model.at("criticality").is_lost("gateways of KServe read it, which is not a component here")
    spec.at("replicas").feeds("replicas")
    found.replicas = number(found, spec.at("replicas"))
    scaling = spec.at("scaling")
    if scaling.exists:
        found.scale(scaling.at("minReplicas"), scaling.at("maxReplicas"))
        for key, node in scaling.entries():
            if key not in ("minReplicas", "maxReplicas"):
                node.feeds("scaling")
    for key, node in spec.at("parallelism").entries():
        if key in _PARALLEL:
            found.flag(_PARALLEL[key], node.text, node)
    if spec.at("worker").exists:
        found.framework = "lws-vllm"
        spec.at("worker").is_set("the overlay says how many nodes a group has, and the base makes its workers")
    spec.at("router").is_lost(_ROUTING)
    for key in ("kvCacheOffloading", "tracing", "storageInitializer"):
        spec.at(key).is_lost("KServe does it, which is not a component here; see the feature kv-offload for caches")
    for key in ("labels", "annotations"):
        for name, node in spec.at(key).entries():
            node.is_lost("models have labels of their own here", f"{key.removesuffix('s')} {name} of its pods")
    _pod(found, spec.at("template"))


def _pod(found: ExternalDeployment, pod: Node) -> None:
    listed = containers_of(pod)
    container = next((each for each in listed if each.at("name").text == "main"), listed[0] if listed else None)
    if container is None:
        for key, node in pod.entries():
            read_field(key, node)
        return
    words = [each.text for each in words_of(container.at("command"), container.at("args"))]
    engine = other_engine(container.at("image").text, *words)
    if engine is not None:
        raise found.refused(f"runs {engine.name}, and vLLM is what import takes", engine.fix)
    model, weights = found.model, found.weights
    read_pod(found, pod, container, entry=container.at("command").value is None or engine_container(pod) is not None)
    if container.at("command").exists and engine_container(pod) is None:
        raise found.refused(f"starts {words[0] if words else 'nothing'}, which is not vLLM")
    if model:
        found.model, found.weights = model, weights  # the arguments name the folder that KServe fetches to
    more = found.variables.pop(_MORE_ARGUMENTS, None)
    if more is not None:
        place = next(each for each in container.at("env").items() if each.at("name").text == _MORE_ARGUMENTS)
        found.decide(more.slot, Outcome.SET, "its words are flags here")
        read_flags(found, [Word(each, place.at("value")) for each in split(more.value)])
