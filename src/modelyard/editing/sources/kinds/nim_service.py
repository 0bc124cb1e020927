"""NIMServices of NVIDIA: NVIDIA/k8s-nim-operator at f63f74d7, api/apps/v1alpha1/nimservice_types.go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from modelyard.editing.sources.ledger import Node
from modelyard.editing.sources.pods import read_field, read_resources
from modelyard.editing.sources.protocol import Candidate, Source, candidate_of, head_of
from modelyard.editing.sources.record import ExternalDeployment, number

_NIM = "the image of NVIDIA brings engine and settings; vLLM is the engine here"
_MODEL = "NIM_MODEL_NAME"
# What an image of NVIDIA's does that no model of text does in its place, by a word of its name. Not complete: a name
# without one of these words is taken for that of a language model, or of embeddings, which are models here as well.
_TASKS = {
    "speech": ("asr", "audio2face", "canary", "conformer", "fastpitch", "magpie", "parakeet", "riva", "tts", "whisper"),
    "pictures or scenes": ("changenet", "cosmos", "edify", "flux", "nvclip", "diffusion", "trellis"),
    "pages of documents": ("elements", "ocdrnet", "ocr", "paddleocr", "yolox"),
    "biology": ("alphafold2", "diffdock", "evo2", "genmol", "molmim", "msa", "openfold", "proteinmpnn", "rfdiffusion"),
    "verdicts on texts": ("jailbreak",),
}


class NIMService(Source):
    """A NIMService: taken where its image serves a named model of Hugging Face, or where --model names one."""

    title = "NIMService of NVIDIA"
    kinds = ("NIMService",)

    def of_manifest(self, manifest: Node, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the service."""
        yield candidate_of(manifest, partial(_read, manifest=manifest), weight=2)


def _read(found: ExternalDeployment, manifest: Node) -> None:
    spec = manifest.at("spec")
    image = spec.at("image", "repository").text
    task = _task(image)
    if task:
        raise found.refused(f"serves {task} (image {image}), and models are imported as ones that write text")
    if spec.at("draResources").exists:
        raise found.refused("asks for devices by resource claims, and what they stand for is not in its manifest")
    if spec.at("multiNode").exists:
        raise found.refused("spreads an image of NVIDIA's over several nodes, by rules that its profiles decide")
    head_of(manifest)
    spec.at("image").is_set("environments/<env>/versions tags the engine for all its models", f"image {image}")
    spec.at("image", "repository").feeds("model", f"image {image}")
    found.weights = f"image {image}"
    for each in spec.at("env").items():
        name, value = each.at("name").text, each.at("value").text
        if name == _MODEL:
            found.take_model(value, each.at("name"), each.at("value"))
        elif name.startswith("NIM_"):
            each.is_lost(_NIM, f"variable {name}")
        else:
            found.variable(name, value if each.at("value").exists else None, each)
    spec.at("replicas").feeds("replicas")
    found.replicas = number(found, spec.at("replicas"))
    scale = spec.at("scale")
    if scale.at("enabled").value is True:
        found.scale(scale.at("hpa", "minReplicas"), scale.at("hpa", "maxReplicas"))
        for key, node in scale.at("hpa").entries():
            if key not in ("minReplicas", "maxReplicas"):
                node.feeds("scaling")
        scale.at("enabled").feeds("scaling")
        scale.at("annotations").feeds("scaling")
    else:
        scale.is_set("it is off there")
    read_resources(found, spec.at("resources"))
    for key, node in spec.entries():
        if key == "authSecret":
            node.is_set("no image of NVIDIA's catalogue is pulled, and no model of it")
        elif key == "storage":
            node.is_lost("weights lie where the features weights-* put them")
        elif key == "expose":
            node.is_set("the base brings its own Service")
            node.at("ingress").is_lost("the feature public-endpoint brings a route")
            node.at("router").is_lost("the feature public-endpoint brings a route")
        elif key == "metrics":
            node.is_set("the base has a ServiceMonitor")
        elif key in ("labels", "annotations"):
            node.is_lost("models have labels of their own here")
        elif key in ("userID", "groupID"):
            node.is_set("the base runs as a user of its own")
        elif key == "nodeSelector":
            node.is_set("the overlay says which devices it needs, and a node pool brings them")
        elif key not in ("image", "env", "replicas", "scale", "resources"):
            read_field(key, node)


def _task(image: str) -> str:
    """Return what an image of NVIDIA's serves where that is no text; empty where it may be."""
    words = set(image.rpartition("/")[2].lower().replace("_", "-").split("-"))
    return next((task for task, names in _TASKS.items() if words & set(names)), "")
