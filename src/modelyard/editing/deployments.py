"""Deployments of models as others write them: values files of inference-charts, and Deployments that run vLLM."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelyard.findings import At, Place, UserError, is_secret
from modelyard.repository.yaml import documents

_DEVICES = {"nvidia.com/gpu": "gpu", "aws.amazon.com/neuron": "neuron"}
_TOKEN = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_SERVED_HERE = frozenset({"host", "port", "served-model-name", "model", "config", "pipeline"})
_NOT_IN_GIT = "a secret does not belong in Git; it lies in AWS Secrets Manager"
_READ_OF_SPEC = frozenset({"replicas", "selector", "template"})
_READ_OF_POD = frozenset({"containers", "initContainers"})
_READ_OF_CONTAINER = frozenset({"name", "image", "imagePullPolicy", "command", "args", "env", "resources"})
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(slots=True)
class ExternalDeployment:
    """One deployment of a model, as far as it was understood.

    Attributes:
        source: What it was read from, in words.
        name: Name of its Service or workload.
        model: The model's id.
        framework: What inference-charts calls the engine that serves it.
        accelerator: `gpu` or `neuron`.
        devices: Devices of one replica.
        replicas: Replicas.
        flags: Flags of the engine, without dashes.
        variables: Environment variables of the engine.
        token: Whether it is given a Hugging Face token.
        lost: What has no place here, one sentence each.
    """

    source: str
    name: str = ""
    model: str = ""
    framework: str = "vllm"
    accelerator: str = "gpu"
    devices: int = 1
    replicas: int = 1
    flags: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    token: bool = False
    lost: list[str] = field(default_factory=list)


def foreign(path: str, text: str) -> ExternalDeployment:
    """Return the deployment that a file describes.

    Args:
        path: The file's name, for messages.
        text: Its content.

    Raises:
        UserError: It is neither a values file of inference-charts nor a manifest with a vLLM Deployment.
    """
    content = [each for each in documents(path, text) if isinstance(each, dict)]
    at = At(Place(path))
    if len(content) == 1 and "s3ModelCopy" in content[0]:
        raise UserError(
            "the file copies weights into a bucket and serves nothing",
            fix="see bases/features/README.md on weights",
            at=at,
        )
    if len(content) == 1 and isinstance(content[0].get("inference"), dict):
        return _values(path, content[0])
    for each in content:
        if each.get("kind") == "Deployment":
            found = _deployment(path, each)
            if found is not None:
                others = [str(other.get("kind")) for other in content if other is not each]
                found.lost += [f"{kind}: the base brings its own, or it belongs to the platform" for kind in others]
                return found
    raise UserError(
        "the file is neither a values file of inference-charts nor a manifest with a Deployment that runs vLLM",
        fix="name such a file; other models are added with `modelyard model add`",
        at=at,
    )


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
    for key, value in _mapping(raw, "modelParameters").items():
        flag = _CAMEL.sub("-", str(key)).lower()
        if flag == "pipeline":
            found.lost.append(f"pipeline {_text(value)}: the model's own files name its pipeline")
        elif value is not None:
            found.flags[flag] = _text(value)
    if framework == "diffusers":
        found.lost.append("path /v1/generations: callers ask /v1/images/generations, as they ask OpenAI")
    server = _mapping(inference, "modelServer")
    deployment = _mapping(server, "deployment")
    found.variables = {str(name): _text(value) for name, value in _mapping(server, "env").items()}
    _image(found, _mapping(server, "image"))
    for key in ("vllmVersion", "pythonVersion"):
        if key in server:
            found.lost.append(f"{key} {server[key]}: the image of the environment decides")
    found.replicas = int(deployment.get("replicas") or 1)
    for key, why in (
        ("instanceType", "the node pool takes what is cheapest of what fits; patch a nodeSelector to insist"),
        ("minReplicas", "the overlay's bounds, or the feature scale-on-queue, decide"),
        ("maxReplicas", "the overlay's bounds, or the feature scale-on-queue, decide"),
    ):
        if key in deployment:
            found.lost.append(f"{key} {deployment[key]}: {why}")
    _resources(found, _mapping(_mapping(deployment, "resources"), accelerator))
    if str(inference.get("serviceNamespace") or "models") != "models":
        found.lost.append(f"namespace {inference['serviceNamespace']}: models share the namespace models")
    for key in sorted(set(inference) - {"serviceName", "serviceNamespace", "accelerator", "framework", "modelServer"}):
        found.lost.append(f"inference.{key}: the base has its own")
    for key in sorted(set(raw) - {"model", "modelParameters", "inference"}):
        found.lost.append(f"{key}: the base has its own")
    _leave_secrets(found)
    return found


def _deployment(path: str, raw: Mapping[str, Any]) -> ExternalDeployment | None:
    spec = _mapping(raw, "spec")
    pod = _mapping(_mapping(spec, "template"), "spec")
    listed = pod.get("containers")
    containers = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    container = next((each for each in containers if "vllm" in f"{each.get('image')} {_words(each)}"), None)
    if container is None:
        return None
    name = str(_mapping(raw, "metadata").get("name") or "")
    found = ExternalDeployment(f"Deployment {name}", name=name, replicas=_whole(spec.get("replicas") or 1))
    model = _arguments(found, _words(container))
    found.model = model or found.flags.pop("model", "")
    if not found.model:
        raise UserError(f"the arguments of Deployment {name} name no model", at=At(Place(path)))
    for each in container.get("env") or ():
        if not isinstance(each, dict):
            continue
        if each.get("name") in _TOKEN:
            found.token = True
        elif is_secret(str(each.get("name")), _text(each.get("value", ""))):
            found.lost.append(f"variable {each.get('name')}: {_NOT_IN_GIT}")
        elif "value" in each:
            found.variables[str(each.get("name"))] = _text(each["value"])
        else:
            found.lost.append(f"variable {each.get('name')}: its value comes from elsewhere in the cluster")
    name, _, tag = str(container.get("image") or "").rpartition(":")
    _image(found, {"repository": name, "tag": tag})
    _resources(found, _mapping(container, "resources"))
    found.lost += [
        f"container {each.get('name')}: only the engine's is carried over"
        for each in containers
        if each is not container
    ]
    found.lost += [
        f"init container {each.get('name')}" for each in pod.get("initContainers") or () if isinstance(each, dict)
    ]
    for fields, read in ((spec, _READ_OF_SPEC), (pod, _READ_OF_POD), (container, _READ_OF_CONTAINER)):
        found.lost += [f"{key}: the base has its own" for key, value in fields.items() if value and key not in read]
    if _mapping(_mapping(spec, "template"), "metadata").get("annotations"):
        found.lost.append("annotations of its pods: the base has its own")
    if _mapping(raw, "metadata").get("namespace", "models") != "models":
        found.lost.append(f"namespace {raw['metadata']['namespace']}: models share the namespace models")
    _leave_secrets(found)
    return found


def _leave_secrets(found: ExternalDeployment) -> None:
    """Take secrets out of what is carried over, and say where they belong."""
    for flag in [each for each, value in found.flags.items() if is_secret(each, value)]:
        if flag == "hf-token":
            found.token = True
        else:
            found.lost.append(
                f"{flag}: {_NOT_IN_GIT}" + (", which the feature api-key reads" if flag == "api-key" else "")
            )
        del found.flags[flag]
    for name in [each for each, value in found.variables.items() if is_secret(each, value)]:
        if name in _TOKEN:
            found.token = True
        else:
            found.lost.append(f"variable {name}: {_NOT_IN_GIT}")
        del found.variables[name]


def _words(container: Mapping[str, Any]) -> list[str]:
    """Return the command line; one that a shell gets as a text is split as the shell does."""
    words = [_text(each) for part in ("command", "args") for each in container.get(part) or ()]
    if words and words[0].rpartition("/")[2] in ("sh", "bash") and "vllm" in words[-1]:
        try:
            words = shlex.split(words[-1].replace("\\\n", " "), comments=True)
        except ValueError:
            return words
    return words


def _arguments(found: ExternalDeployment, words: Sequence[str]) -> str:
    """Read flags from a command line, and return the model that stands among the words, if any."""
    model = ""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "serve" and rest and not rest[0].startswith("-"):
            model = rest.pop(0)
        elif word.startswith("--"):
            flag, separator, value = word.removeprefix("--").partition("=")
            if not separator and rest and not rest[0].startswith("--"):
                value, separator = rest.pop(0), "="
            found.flags[flag.replace("_", "-")] = value if separator else "true"
        elif word.startswith("-") and len(word) > 1 and not word[1:2].isdigit():
            found.lost.append(f"{word}: short flags are not read")
    return model


def _image(found: ExternalDeployment, image: Mapping[str, Any]) -> None:
    if image.get("repository"):
        told = f"{image['repository']}:{image.get('tag') or 'latest'}"
        found.lost.append(f"image {told}: environments/<env>/versions tags the engine for all its models")


def _resources(found: ExternalDeployment, resources: Mapping[str, Any]) -> None:
    for part in ("limits", "requests"):
        for name, amount in _mapping(resources, part).items():
            if name in _DEVICES:
                found.devices, found.accelerator = _whole(amount), _DEVICES[name]
            elif part == "requests" or name not in _mapping(resources, "requests"):
                found.lost.append(f"{name} {amount}: the overlay sizes the pod")


def served_here(flag: str) -> bool:
    """Return whether a flag is what the base or the environment says, whatever others wrote."""
    return flag in _SERVED_HERE


def _whole(amount: Any) -> int:
    text = str(amount)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        import json

        return json.dumps(value)
    return str(value)


def kept(found: ExternalDeployment) -> Iterator[tuple[str, str]]:
    """Yield the flags that may be carried over."""
    return ((flag, value) for flag, value in found.flags.items() if not served_here(flag))
