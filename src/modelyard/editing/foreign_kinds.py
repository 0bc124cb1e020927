"""Kinds of others that serve models and are not taken over, each with its own reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.findings import Address, UserError
from modelyard.wording import join_and

_ADD = "add the model with an engine of this repository: modelyard model add ID --env NAME"

# What a kind stands for, and why its fields do not become those of one Deployment.
_KINDS = {
    "LeaderWorkerSet": (
        "spreads one engine over several pods",
        "a model of several nodes: modelyard model add ID --env NAME takes an overlay of the engine lws-vllm",
    ),
    "RayService": ("runs Ray Serve, whose config tells the models", "the overlays of the engine ray serve by it"),
    "RayCluster": ("is a Ray cluster, and the model is told by whatever submits to it", _ADD),
    "LLMInferenceService": ("leaves pods, routes and schedulers to KServe, which is not a component here", _ADD),
    "InferenceService": ("leaves pods and storage to KServe, which is not a component here", _ADD),
    "ServingRuntime": ("is a runtime of KServe, which InferenceServices name", _ADD),
    "ClusterServingRuntime": ("is a runtime of KServe, which InferenceServices name", _ADD),
    "StormService": ("is AIBrix's set of roles, such as prefill and decode", _ADD),
    "RoleSet": ("is AIBrix's set of roles, such as prefill and decode", _ADD),
    "PodAutoscaler": ("scales what another manifest serves", "name the manifest of the model"),
    "Model": ("leaves engine, node and scaling to KubeAI, which is not a component here", _ADD),
    "NIMService": ("runs an image of NVIDIA's that brings engine, model and settings in one", _ADD),
    "NIMCache": ("caches a model for a NIMService, and serves nothing", _ADD),
    "NIMPipeline": ("runs images of NVIDIA's that bring engine, model and settings in one", _ADD),
    "VLLMRuntime": ("leaves the pods to the operator of production-stack, which is not a component here", _ADD),
    "DynamoGraphDeployment": ("leaves pods and routes to NVIDIA Dynamo, which is not a component here", _ADD),
    "Job": ("ends by itself, and serves nothing", "name a manifest that serves"),
    "CronJob": ("ends by itself, and serves nothing", "name a manifest that serves"),
    "DaemonSet": ("runs on every node, which no model of this repository does", _ADD),
    "InferencePool": ("names the pods of a model, and makes none", "name the manifest with the pods"),
    "Kustomization": ("is a list of files", "build it first: kustomize build FOLDER > FILE"),
}


def refusal_of_kinds(content: Sequence[Mapping[str, Any]], at: Address) -> UserError:
    """Return why nothing in a file can be taken over: the kinds that serve by themselves, else that none does."""
    kinds = [str(each.get("kind")) for each in content if each.get("kind")]
    known = next((kind for kind in kinds if kind in _KINDS), None)
    if known is not None:
        why, fix = _KINDS[known]
        return UserError(f"the file holds a {known}, which {why}", fix=fix, at=at)
    what = f": it holds {join_and(sorted(set(kinds)))}" if kinds else ""
    return UserError(
        "the file is neither a values file of inference-charts nor a manifest with a Deployment, StatefulSet or Pod "
        f"that runs vLLM{what}",
        fix="name such a file; other models are added with `modelyard model add`",
        at=at,
    )


def refuse_values(raw: Mapping[str, Any], at: Address) -> None:
    """Refuse a values file of a chart that is known and not taken over; others are left alone.

    Raises:
        UserError: It is one of those.
    """
    image = raw.get("image")
    repository = str(image.get("repository")) if isinstance(image, dict) else ""
    charts = (
        ("servingEngineSpec" in raw, "vLLM's production-stack, which may hold several models and a router"),
        ("modelArtifacts" in raw, "llm-d-modelservice, which makes pods for prefill and decode"),
        ("nim" in raw or "nvcr.io/nim" in repository, "a NIM of NVIDIA, whose image brings engine, model and settings"),
        ("catalog" in raw and "resourceProfiles" in raw, "KubeAI, whose operator makes the pods"),
    )
    for is_of, chart in charts:
        if is_of:
            raise UserError(
                f"the file holds values of {chart}",
                fix="import a manifest of one model: helm template … > FILE, then the Deployment of the engine; or "
                "modelyard model add ID --env NAME",
                at=at,
            )
