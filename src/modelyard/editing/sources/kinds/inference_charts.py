"""Values of AWS' inference-charts: awslabs/ai-on-eks-charts, charts/inference-charts/values.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from modelyard.editing.sources.ledger import Node, as_text
from modelyard.editing.sources.pods import read_field, read_resources
from modelyard.editing.sources.protocol import Candidate, Source, refusing
from modelyard.editing.sources.record import ADD, ExternalDeployment, number
from modelyard.findings import UserError

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OF_RAY = "the base has a Ray cluster of its own, which the overlay sizes"
_HERE = "the base has its own"


class InferenceCharts(Source):
    """A values file of inference-charts."""

    title = "values of inference-charts"

    def candidates(self, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the model of the file; one that copies weights refuses."""
        for document in documents:
            if document.at("kind").exists:
                continue
            if document.at("s3ModelCopy").exists and not document.at("inference", "framework").exists:
                yield Candidate("", "the file", document, refusing(_copies), serves=False, weight=3)
            elif isinstance(document.at("inference").value, dict) and not document.at("resource").exists:

                def read(found: ExternalDeployment, document: Node = document) -> None:
                    _read(found, document)

                framework = document.at("inference", "framework").text or "unknown"
                name = document.at("inference", "serviceName").text
                yield Candidate(name, f"values of inference-charts, framework {framework}", document, read)


def _copies(found: ExternalDeployment) -> UserError:
    return found.refused("copies weights into a bucket and serves nothing", "see bases/features/README.md on weights")


def _read(found: ExternalDeployment, document: Node) -> None:
    inference = document.at("inference")
    framework, accelerator = inference.at("framework").text, inference.at("accelerator").text or "gpu"
    if "nim" in framework:
        raise found.refused("run an image of NVIDIA's that brings engine, model and settings in one", ADD)
    if not document.at("model").text:
        raise found.refused("names no model", "write model: ORGANISATION/MODEL")
    found.framework, found.accelerator = framework, accelerator
    inference.at("framework").is_set("the engine of the overlay serves it")
    inference.at("accelerator").is_set("the overlay says which devices it needs")
    found.take_model(document.at("model").text, document.at("model"))
    inference.at("serviceName").feeds("name")
    inference.at("serviceNamespace").is_set("models share the namespace models")
    for key, node in document.at("modelParameters").entries():
        if node.value is not None:
            found.flag(_CAMEL.sub("-", key).lower(), as_text(node.value), node)
    if framework == "diffusers":
        found.notes.append("path /v1/generations: callers ask /v1/images/generations here, as they ask OpenAI")
    _server(found, inference.at("modelServer"), accelerator)
    for key, node in inference.entries():
        if key == "rayOptions":
            node.is_set(_OF_RAY)
        elif key in ("observability", "ingress"):
            node.is_set("platform components and features have their own")
    for key, node in document.entries():
        if key in ("global", "fluentbit", "vllm", "service"):
            node.is_set("the base and platform components have their own")


def _server(found: ExternalDeployment, server: Node, accelerator: str) -> None:
    deployment = server.at("deployment")
    for name, node in server.at("env").entries():
        found.variable(name, node.text, node)
    image = server.at("image")
    told = f"image {image.at('repository').text}:{image.at('tag').text or 'latest'}"
    image.is_set("environments/<env>/versions tags the engine for all its models", told)
    for key in ("vllmVersion", "pythonVersion"):
        server.at(key).is_set("the image of the environment decides", f"{key} {server.at(key).text}")
    deployment.at("replicas").feeds("replicas")
    found.replicas = number(found, deployment.at("replicas"))
    deployment.at("instanceType").is_set(
        "the node pool takes what is cheapest of what fits; patch a nodeSelector to insist",
        f"instanceType {deployment.at('instanceType').text}",
    )
    for key in ("minReplicas", "maxReplicas"):
        deployment.at(key).is_set("the overlay's bounds, or the feature scale-on-queue, decide")
    for kind, node in deployment.at("resources").entries():
        if kind == accelerator:
            read_resources(found, node)
        else:
            node.is_set(f"it is for {kind}, and the model runs on {accelerator}")
    for key, node in deployment.entries():
        if key in ("topologySpreadConstraints", "podAffinity", "numWorkers", "rayVersion"):
            node.is_set(_HERE)
        elif key not in ("replicas", "instanceType", "minReplicas", "maxReplicas", "resources"):
            read_field(key, node)
    for key, node in server.entries():
        if key not in ("env", "image", "deployment", "vllmVersion", "pythonVersion"):
            read_field(key, node)
