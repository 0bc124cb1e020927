"""Kinds that serve, or look as if they did, and are not read: each refused by its own reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from modelyard.editing.sources.ledger import Node
from modelyard.editing.sources.protocol import Candidate, Source, named, refusing
from modelyard.editing.sources.record import ADD, ExternalDeployment
from modelyard.findings import UserError

_SERVES = "name a manifest that serves"
_OPERATOR = "leaves the pods to {}, which is not a component here"
# What a kind stands for, and what to do instead; by the beginning of its API group where several have one name.
_KINDS: tuple[tuple[str, str, str, str], ...] = (
    ("RayCluster", "", "is a Ray cluster, and the model is told by whatever submits to it", ADD),
    ("RayJob", "", "ends by itself, and serves nothing", _SERVES),
    (
        "ServingRuntime",
        "",
        "is a runtime of KServe, which InferenceServices name",
        "put the InferenceService into the file",
    ),
    (
        "ClusterServingRuntime",
        "",
        "is a runtime of KServe, which InferenceServices name",
        "put the InferenceService into the file",
    ),
    ("LLMInferenceServiceConfig", "", "is part of LLMInferenceServices, which name it", "name one of those"),
    (
        "InferenceGraph",
        "",
        "sends requests from model to model, and serves none",
        "import each model by its own manifest",
    ),
    ("InferenceService", "ome.io/", _OPERATOR.format("OME of SGLang"), ADD),
    ("RoleBasedGroup", "", _OPERATOR.format("RoleBasedGroup of SGLang"), ADD),
    ("ModelServing", "", _OPERATOR.format("kthena of Volcano"), ADD),
    ("ModelBooster", "", _OPERATOR.format("kthena of Volcano"), ADD),
    ("PodAutoscaler", "", "scales what another manifest serves", "name the manifest of the model"),
    ("ModelAdapter", "", "adds an adapter to what another manifest serves", "the feature lora serves adapters"),
    ("LoraAdapter", "", "adds an adapter to what another manifest serves", "the feature lora serves adapters"),
    ("NIMCache", "", "caches a model for a NIMService, and serves nothing", "name the NIMService"),
    ("NIMBuild", "", "builds an engine for a NIMService, and serves nothing", "name the NIMService"),
    ("NIMPipeline", "", "is several NIMServices", "import each NIMService by a manifest of its own"),
    ("NemoCustomizer", "", "tunes models, and serves none", _SERVES),
    (
        "VLLMRouter",
        "",
        "is a router, and serves no model itself",
        "import the VLLMRuntime; a Service reaches each model here",
    ),
    ("CacheServer", "", "keeps KV caches beside engines, and serves no model", "import the VLLMRuntime"),
    ("DynamoGraphDeployment", "", _OPERATOR.format("NVIDIA Dynamo"), ADD),
    ("PodCliqueSet", "", _OPERATOR.format("Grove of NVIDIA"), ADD),
    ("MultiRoleInference", "", "splits prefill and decode, which are one engine here", ADD),
    ("RAGEngine", "", "answers from documents, by a model that another manifest serves", "name the Workspace"),
    ("Job", "", "ends by itself, and serves nothing", _SERVES),
    ("CronJob", "", "ends by itself, and serves nothing", _SERVES),
    ("JobSet", "", "ends by itself, and serves nothing", _SERVES),
    ("PyTorchJob", "", "trains a model, and serves none", _SERVES),
    ("TrainJob", "", "trains a model, and serves none", _SERVES),
    ("MPIJob", "", "trains a model, and serves none", _SERVES),
    ("TFJob", "", "trains a model, and serves none", _SERVES),
    ("DaemonSet", "", "runs on every node, which no model of this repository does", ADD),
    ("InferencePool", "", "names the pods of a model, and makes none", "name the manifest with the pods"),
    ("InferenceModel", "", "names a model to a gateway, and serves none", "name the manifest with the pods"),
    ("InferenceObjective", "", "names a model to a gateway, and serves none", "name the manifest with the pods"),
    ("HTTPRoute", "", "is a route to a model, and serves none", "name the manifest with the pods"),
    ("SeldonDeployment", "", _OPERATOR.format("Seldon Core"), ADD),
    ("BentoDeployment", "", _OPERATOR.format("BentoML"), ADD),
    (
        "HelmRelease",
        "",
        "is a release of Flux: its values are those of a chart",
        "import those values from a file of theirs",
    ),
    ("Application", "argoproj.io/", "is an Application of Argo CD: what it names is imported", "name what it renders"),
    ("Kustomization", "", "is a list of files", "build it first: kustomize build FOLDER | modelyard import -"),
)


class Refused(Source):
    """Kinds that are recognised and not read."""

    title = "refused by name"

    def candidates(self, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield a refusal for each manifest of those kinds, those that come first in the table before others."""
        for each in documents:
            kind, group = each.at("kind").text, each.at("apiVersion").text
            for position, (name, prefix, why, fix) in enumerate(_KINDS):
                if kind == name and (not prefix or group.startswith(prefix)):
                    yield Candidate(
                        each.at("metadata", "name").text,
                        named(each),
                        each,
                        refusing(partial(_error, why=why, fix=fix)),
                        serves=False,
                        weight=-position,
                    )


def _error(found: ExternalDeployment, why: str, fix: str) -> UserError:
    return found.refused(why, fix)
