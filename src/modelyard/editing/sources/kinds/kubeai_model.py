"""Models of KubeAI: https://github.com/kubeai-project/kubeai at f442a2cd, api/k8s/v1/model_types.go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from modelyard.editing.sources.arguments import words_of
from modelyard.editing.sources.ledger import Node
from modelyard.editing.sources.others import NO_DEVICE_OF_THEIRS, SIZED_HERE, maker_of
from modelyard.editing.sources.pods import OTHERWISE, read_field, read_variables, read_words
from modelyard.editing.sources.protocol import Candidate, Source, candidate_of, head_of
from modelyard.editing.sources.record import ExternalDeployment, number

_WHY = {
    "targetRequests": "the feature scale-on-queue adds replicas while requests wait, and counts those",
    "scaleDownDelaySeconds": "the feature scale-on-queue has a delay of its own",
    "loadBalancing": "a Service spreads requests; the feature prefix-cache-routing chooses by prefix",
    "features": "the model's own task decides",
    "cacheProfile": "weights lie where the features weights-* put them",
    "owner": OTHERWISE,
    "files": "a file beside the engine has no place; write what it says into the settings",
    "adapters": "the feature lora serves adapters: modelyard feature on NAME lora, then set lora-modules",
}


class KubeAIModel(Source):
    """A Model of KubeAI on its engine VLLM."""

    title = "Model of KubeAI"
    kinds = ("Model",)
    groups = ("kubeai.org/",)

    def of_manifest(self, manifest: Node, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the model."""
        yield candidate_of(manifest, partial(_read, manifest=manifest))


def _read(found: ExternalDeployment, manifest: Node) -> None:
    spec = manifest.at("spec")
    engine = spec.at("engine").text
    if engine != "VLLM":
        names = {"OLlama": "Ollama"}
        raise found.refused(
            f"runs {names.get(engine, engine) or 'no engine'}, and vLLM is what import takes",
            "vLLM serves most models of others: modelyard model add ID --env NAME",
        )
    profile, _, count = spec.at("resourceProfile").text.strip().partition(":")
    if profile and not profile.startswith("nvidia-"):
        maker = maker_of(profile) or ("AMD GPUs" if profile.startswith("amd") else f"profile {profile}")
        if profile.startswith("cpu"):
            maker = "CPUs"
        raise found.refused(f"runs on {maker} (resourceProfile {profile}), {NO_DEVICE_OF_THEIRS}", SIZED_HERE)
    head_of(manifest)
    spec.at("engine").is_set("the overlay's engine serves it")
    spec.at("resourceProfile").feeds("devices", f"resourceProfile {profile}")
    found.devices = int(count) if count.isascii() and count.isdigit() and len(count) < 4 else 1
    url = spec.at("url")
    if url.text.startswith(("hf://", "huggingface://")):
        found.take_model(url.text, url)
    else:
        found.weights = url.text
        url.feeds("model", f"model {url.text}")
    spec.at("replicas").feeds("replicas")
    found.replicas = number(found, spec.at("replicas"))
    if spec.at("autoscalingDisabled").value is True:
        spec.at("minReplicas").is_set("its autoscaling is off there")
        spec.at("maxReplicas").is_set("its autoscaling is off there")
    else:
        found.scale(spec.at("minReplicas"), spec.at("maxReplicas"))
    spec.at("autoscalingDisabled").is_set("replicas are fixed, or the feature scale-on-queue is on")
    known = read_variables(found, spec.at("env"))
    read_words(found, words_of(spec.at("args")), known)
    for key, node in spec.entries():
        if key in ("loadBalancing", "adapters", "files", "owner", "cacheProfile"):
            node.is_lost(_WHY[key])
        elif key in _WHY:
            node.is_set(_WHY[key])
        elif key in ("image", "priorityClassName", "envFrom"):
            read_field(key, node)
