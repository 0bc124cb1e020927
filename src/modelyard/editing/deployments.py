"""Deployments of models as others write them: values files of inference-charts, and manifests that run vLLM."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelyard.editing.external import (
    ExternalDeployment,
    as_text,
    leave_secrets,
    mapping_at,
    note_image,
    read_resources,
    replicas_of,
    served_here,
    why_here,
)
from modelyard.editing.foreign_kinds import refusal_of_kinds, refuse_values
from modelyard.editing.foreign_workloads import deployment_in
from modelyard.findings import At, Place, UserError
from modelyard.repository.yaml import documents

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def foreign(path: str, text: str) -> ExternalDeployment:
    """Return the deployment that a file describes.

    Args:
        path: The file's name, for messages.
        text: Its content.

    Raises:
        UserError: It describes none that can be taken over; the words say which kind it is, and why not.
    """
    content = [each for each in documents(path, text) if isinstance(each, dict)]
    at = At(Place(path))
    if len(content) == 1 and "kind" not in content[0]:
        if "s3ModelCopy" in content[0]:
            raise UserError(
                "the file copies weights into a bucket and serves nothing",
                fix="see bases/features/README.md on weights",
                at=at,
            )
        if isinstance(content[0].get("inference"), dict):
            return _values(path, content[0])
        refuse_values(content[0], at)
    found = deployment_in(path, content)
    if found is not None:
        return found
    raise refusal_of_kinds(content, at)


def _values(path: str, raw: Mapping[str, Any]) -> ExternalDeployment:
    inference = raw["inference"]
    framework, accelerator = str(inference.get("framework") or ""), str(inference.get("accelerator") or "gpu")
    found = ExternalDeployment(f"values of inference-charts, framework {framework or 'unknown'}")
    if "nim" in framework:
        raise UserError(
            f"the file runs {framework}, an image of NVIDIA's that brings engine, model and settings in one",
            fix="add the model with an engine of this repository: modelyard model add ID --env NAME",
            at=At(Place(path)),
        )
    found.model, found.name = str(raw.get("model") or ""), str(inference.get("serviceName") or "")
    found.accelerator = accelerator
    found.framework = framework
    if not found.model:
        raise UserError("the file names no model", fix="write model: ORGANISATION/MODEL", at=At(Place(path)))
    for key, value in mapping_at(raw, "modelParameters").items():
        flag = _CAMEL.sub("-", str(key)).lower()
        if flag == "pipeline":
            found.lost.append(f"pipeline {as_text(value)}: the model's own files name its pipeline")
        elif value is not None:
            found.flags[flag] = as_text(value)
    if framework == "diffusers":
        found.lost.append("path /v1/generations: callers ask /v1/images/generations, as they ask OpenAI")
    server = mapping_at(inference, "modelServer")
    deployment = mapping_at(server, "deployment")
    found.variables = {str(name): as_text(value) for name, value in mapping_at(server, "env").items()}
    note_image(found, mapping_at(server, "image"))
    for key in ("vllmVersion", "pythonVersion"):
        if key in server:
            found.lost.append(f"{key} {server[key]}: the image of the environment decides")
    found.replicas = replicas_of(path, deployment.get("replicas"))
    for key, why in (
        ("instanceType", "the node pool takes what is cheapest of what fits; patch a nodeSelector to insist"),
        ("minReplicas", "the overlay's bounds, or the feature scale-on-queue, decide"),
        ("maxReplicas", "the overlay's bounds, or the feature scale-on-queue, decide"),
    ):
        if key in deployment:
            found.lost.append(f"{key} {deployment[key]}: {why}")
    read_resources(found, mapping_at(mapping_at(deployment, "resources"), accelerator))
    for holder, fields, read in (
        ("deployment", deployment, {"replicas", "instanceType", "minReplicas", "maxReplicas", "resources"}),
        ("modelServer", server, {"env", "image", "deployment", "vllmVersion", "pythonVersion"}),
        ("image", mapping_at(server, "image"), {"repository", "tag"}),
    ):
        found.lost += [f"{holder}.{key}: the base has its own" for key in fields if key not in read]
    if str(inference.get("serviceNamespace") or "models") != "models":
        found.lost.append(f"namespace {inference['serviceNamespace']}: models share the namespace models")
    for key in sorted(set(inference) - {"serviceName", "serviceNamespace", "accelerator", "framework", "modelServer"}):
        found.lost.append(f"inference.{key}: the base has its own")
    for key in sorted(set(raw) - {"model", "modelParameters", "inference"}):
        found.lost.append(f"{key}: the base has its own")
    for flag in [each for each in found.flags if served_here(each)]:
        found.lost.append(f"{flag} {found.flags.pop(flag)}: {why_here(flag)}")
    leave_secrets(found)
    return found
