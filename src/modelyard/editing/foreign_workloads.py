"""A Deployment, StatefulSet or Pod of others that runs vLLM: each field is carried, set here, or lost by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.catalog import short_flags
from modelyard.editing.external import (
    DEVICES,
    NOT_IN_GIT,
    TOKENS,
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
from modelyard.findings import At, Place, UserError, is_secret
from modelyard.view.command_lines import SHELLS, assignments_in, commands_of, filled_in
from modelyard.view.shapes import entries
from modelyard.wording import join_and

_KINDS = ("Deployment", "StatefulSet", "Pod")
_DEVICE_NAMES = frozenset({"gpu", "gaudi", "tpu", "npu", "xpu", "i915", "gpu.shared", "neuroncore"})
_IMAGE = re.compile(r"(?:^|[-_./])vllm(?:$|[-_.:@/])")
_BESIDE = re.compile(r"router|exporter|gateway|proxy|bench|operator|controller|scheduler|sidecar|epp")
# Roles of one half, and connectors that do nothing but hand the KV cache to another engine, whose role may be kv_both:
# vllm/distributed/kv_transfer/kv_connector/factory.py of vllm-project/vllm.
_ROLES = ("kv_producer", "kv_consumer", "NixlConnector", "P2pNcclConnector", "MooncakeConnector")
_BRANCHES = frozenset({"case", "elif", "else", "for", "function", "if", "select", "until", "while"})

# Why a field has no place here, by its name; the closest of pod, container and workload.
_WHY = {
    "nodeSelector": "the overlay says which devices it needs, and a node pool brings them",
    "affinity": "the overlay says which devices it needs, and a node pool brings them",
    "topologySpreadConstraints": "the base spreads replicas over zones",
    "tolerations": "the overlay tolerates the taint of its node pool",
    "priorityClassName": "models share a priority class of the platform",
    "runtimeClassName": "the nodes' own runtime brings the devices",
    "resourceClaims": "devices are asked for by resources here",
    "schedulerName": "the scheduler of the cluster places models here",
    "volumes": "weights, caches and memory lie where the base and its features put them",
    "volumeMounts": "weights, caches and memory lie where the base and its features put them",
    "ports": "the base of the engine has its own port, and its Service asks that",
    "readinessProbe": "the base has its own probes",
    "livenessProbe": "the base has its own probes",
    "startupProbe": "the base has its own probes, sized by the weights",
    "serviceAccountName": "the base has an account of its own",
    "serviceAccount": "the base has an account of its own",
    "imagePullSecrets": "images are pulled by the role of the nodes",
    "imagePullPolicy": "images have tags that do not move, so that Kubernetes' default holds",
    "securityContext": "the base runs without rights, as the namespace demands",
    "strategy": "the base has its own",
    "updateStrategy": "the base has its own",
    "terminationGracePeriodSeconds": "the base has its own",
    "lifecycle": "the base has its own",
    "envFrom": "variables come from what this repository does not hold",
    "selector": "the base has its own labels",
    "workingDir": "the base has its own",
    "hostNetwork": "models have no part in the network of their node",
    "hostIPC": "the base mounts memory that processes share",
    "hostPID": "models have no part in the processes of their node",
}
_OTHERWISE = "there is no place for it here"
# Written by an API server, or the same for every object of its kind.
_WITHOUT_MEANING = frozenset({"apiVersion", "kind", "status", "creationTimestamp"})
_IDENTITY = frozenset({"name", "namespace", "labels", "annotations"})
_DROPPED_VARIABLES = {
    "CUDA_VISIBLE_DEVICES": "the device plugin tells the pod which devices it has",
    "NVIDIA_VISIBLE_DEVICES": "the device plugin tells the pod which devices it has",
    "NEURON_RT_VISIBLE_CORES": "the device plugin tells the pod which cores it has",
}


@dataclass(frozen=True)
class _Serving:
    """A workload that runs vLLM."""

    raw: Mapping[str, Any]
    kind: str
    template: Mapping[str, Any]
    pod: Mapping[str, Any]
    container: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(mapping_at(self.raw, "metadata").get("name") or "")

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def deployment_in(path: str, content: Sequence[Mapping[str, Any]]) -> ExternalDeployment | None:
    """Return the one workload among manifests that runs vLLM; None where none does.

    Args:
        path: The file's name, for messages.
        content: The manifests.

    Raises:
        UserError: There are several, it is half of a pair, it runs on devices that nodes here do not have, a script
            decides what runs, or its settings lie elsewhere.
    """
    at = At(Place(path))
    serving = [runs for each in content if (runs := _serving(each)) is not None]
    if not serving:
        return None
    roles = [_role(each) for each in serving]
    if any(roles):
        told = join_and(f"{each} ({role})" if role else str(each) for each, role in zip(serving, roles, strict=True))
        raise UserError(
            f"{told}: prefill and decode are split over two workloads, and one would be taken without the other",
            fix="add the model with modelyard model add ID --env NAME, which serves both in one engine",
            at=at,
        )
    if len(serving) > 1:
        raise UserError(
            f"the file holds {len(serving)} workloads that run vLLM: {join_and(map(str, serving))}",
            fix="import one at a time, each from a file of its own",
            at=at,
        )
    (only,) = serving
    _require_devices(only, at)
    found = _read(path, only, at)
    others = [each for each in content if each is not only.raw]
    for other in others:
        name = mapping_at(other, "metadata").get("name") or ""
        why = "the base brings its own" if other.get("kind") == "Service" else "only the engine's workload is read"
        found.lost.append(f"{other.get('kind')} {name}: {why}")
    return found


def _serving(raw: Mapping[str, Any]) -> _Serving | None:
    kind = str(raw.get("kind"))
    if kind not in _KINDS:
        return None
    template = raw if kind == "Pod" else mapping_at(mapping_at(raw, "spec"), "template")
    pod = mapping_at(template, "spec")
    for container in _containers(pod, "containers"):
        if _runs_engine(container):
            return _Serving(raw, kind, template, pod, container)
    return None


def _containers(pod: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    listed = pod.get(field)
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _runs_engine(container: Mapping[str, Any]) -> bool:
    words = _listed_words(container, "command") + _listed_words(container, "args")
    if any(_start(each) is not None for each in [words, *_scripts(words)]):
        return True
    image = str(container.get("image") or "").rpartition("@")[0] or str(container.get("image") or "")
    name = image.rpartition("/")[2]
    if _BESIDE.search(name) or _BESIDE.search(str(container.get("name") or "")):
        return False
    return _IMAGE.search(image) is not None and not _listed_words(container, "command")


def _listed_words(container: Mapping[str, Any], field: str) -> list[str]:
    listed = container.get(field)
    return [as_text(each) for each in listed] if isinstance(listed, list) else []


def _scripts(words: Sequence[str]) -> list[list[str]]:
    """Return the commands of the script that a shell is given; none where no shell is, or it cannot be read."""
    if not words or words[0].rpartition("/")[2] not in SHELLS:
        return []
    script = next((each for each in words[1:] if not each.startswith(("-", "+")) and each != "pipefail"), "")
    try:
        return [each for each in commands_of(script) if each]
    except ValueError:
        return []


def _start(words: Sequence[str]) -> int | None:
    """Return which word is the first of the engine's own; None where the command does not start it."""
    for number, word in enumerate(words):
        follows = words[number + 1] if number + 1 < len(words) else ""
        if word.rpartition("/")[2] == "vllm" and follows == "serve":
            return number + 2
        if word == "-m" and follows.startswith("vllm.entrypoints."):
            return number + 2
    return None


def _role(serving: _Serving) -> str:
    """Return by what a workload is one half of a pair of prefill and decode; empty for a whole one."""
    text = " ".join(_listed_words(serving.container, "command") + _listed_words(serving.container, "args"))
    return next((role for role in _ROLES if role in text), "")


def _require_devices(serving: _Serving, at: At) -> None:
    """Refuse devices of other makers, parts of devices, and claims: an overlay here would ask for something else."""
    if serving.pod.get("resourceClaims"):
        raise UserError(
            f"{serving} asks for devices by resourceClaims, and what they stand for is not in its manifest",
            fix="add the model with modelyard model add ID --env NAME",
            at=at,
        )
    asked: dict[str, Any] = {}
    for part in ("requests", "limits"):
        asked.update(mapping_at(mapping_at(serving.container, "resources"), part))
    foreign = sorted(name for name in asked if isinstance(name, str) and name not in DEVICES and _is_device(name))
    image = str(serving.container.get("image") or "").lower()
    maker = next((word for word in ("rocm", "gaudi", "habana", "tpu", "xpu", "ascend", "-cpu") if word in image), "")
    if foreign or maker:
        what = join_and(f"{name}: {asked[name]}" for name in foreign) if foreign else f"image {image}"
        raise UserError(
            f"{serving} runs on {what}, and nodes here have whole GPUs of NVIDIA or Neuron devices",
            fix="add the model with modelyard model add ID --env NAME, which sizes it for a device that is here",
            at=at,
        )


def _is_device(resource: str) -> bool:
    """Return whether an extended resource stands for an accelerator or a part of one."""
    maker, separator, name = resource.lower().partition("/")
    known = name in _DEVICE_NAMES or name.startswith(("mig-", "habana")) or name.endswith("-gpu")
    return bool(separator) and (known or "habana" in maker)


def _read(path: str, serving: _Serving, at: At) -> ExternalDeployment:
    spec = mapping_at(serving.raw, "spec") if serving.kind != "Pod" else {}
    found = ExternalDeployment(str(serving), name=serving.name, replicas=replicas_of(path, spec.get("replicas")))
    if found.replicas == 0:
        found.lost.append("replicas 0: it is parked there, and starts here; scale it to zero by a feature")
    words = _words(found, serving, at)
    model = _flags(found, words)
    found.model = model or found.flags.get("model", "")
    if not found.model:
        raise UserError(f"the arguments of {serving} name no model", fix="name it with --model ID", at=at)
    if "config" in found.flags:
        raise UserError(
            f"{serving} reads its settings from {found.flags['config']}, which is not in its manifest",
            fix="write the settings of that file into its arguments, and import it then",
            at=at,
        )
    for flag in [each for each in found.flags if served_here(each) and each != "model"]:
        found.lost.append(f"{flag} {found.flags.pop(flag)}: {why_here(flag)}")
    _variables(found, serving.container)
    name, _, tag = str(serving.container.get("image") or "").rpartition(":")
    note_image(found, {"repository": name or tag, "tag": tag if name else "latest"})
    read_resources(found, mapping_at(serving.container, "resources"))
    _resources_beside(found, serving.container)
    found.lost += _fields(serving, spec)
    leave_secrets(found)
    return found


def _words(found: ExternalDeployment, serving: _Serving, at: At) -> list[str]:
    """Return the engine's own words; what else a script does is lost by name."""
    words = _listed_words(serving.container, "command") + _listed_words(serving.container, "args")
    if not words or words[0].rpartition("/")[2] not in SHELLS:
        start = _start(words)
        if start is not None and words[:start][0].rpartition("/")[2] not in ("vllm", "python", "python3"):
            found.lost.append(f"{' '.join(words[: start - 2])}: the base starts the engine by itself")
        return words[start:] if start is not None else _listed_words(serving.container, "args")
    commands = _scripts(words)
    engines = [each for each in commands if _start(each) is not None]
    if len(engines) != 1 or any(each[0] in _BRANCHES for each in commands):
        raise UserError(
            f"a script of {serving} decides what runs, and it is not followed",
            fix="write the engine's command line into the manifest, or modelyard model add ID --env NAME",
            at=at,
        )
    known: dict[str, str] = {}
    for command in commands:
        if command is engines[0]:
            continue
        assigned = assignments_in(command)
        if assigned is None:
            found.lost.append(f"{command[0]} of its script: the base starts the engine and nothing else")
            continue
        for name, value in assigned.items():
            known[name] = filled_in(value, known)[0]
            if command[0] == "export":
                found.variables[name] = known[name]
    start = _start(engines[0])
    return [filled_in(each, known)[0] for each in engines[0][start:]]


def _flags(found: ExternalDeployment, words: Sequence[str]) -> str:
    """Read flags from the engine's words, and return the model that stands before them, if any."""
    short = short_flags()
    model = ""
    rest = list(words)
    if rest and rest[0] == "serve":
        rest.pop(0)
    if rest and not rest[0].startswith("-"):
        model = rest.pop(0)
    while rest:
        word = rest.pop(0)
        name, separator, value = word.partition("=")
        if not word.startswith("--") and name not in short:
            found.lost.append(f"{word}: it belongs to no flag that is known")
            continue
        flag = short.get(name, name).lstrip("-").replace("_", "-")
        values = [value] if separator else []
        while not separator and rest and not _is_flag(rest[0], short):
            values.append(rest.pop(0))
        _set(found, flag, values)
    return model


def _is_flag(word: str, short: Mapping[str, str]) -> bool:
    return word.startswith("--") or word.partition("=")[0] in short or bool(re.fullmatch(r"-[A-Za-z]\w*", word))


def _set(found: ExternalDeployment, flag: str, values: Sequence[str]) -> None:
    value = values[0] if values else "true"
    if flag in found.flags:
        found.lost.append(f"{flag} {found.flags[flag]}: it is given twice, and the last one counts")
    if len(values) > 1:
        found.flags.pop(flag, None)
        why = why_here(flag) if served_here(flag) else "a list; write it into the settings of the overlay"
        found.lost.append(f"{flag} {' '.join(values)}: {why}")
    elif "$" in value:
        found.flags.pop(flag, None)
        why = NOT_IN_GIT if is_secret(flag) else "a variable tells its value when it runs"
        found.lost.append(f"{flag} {value}: {why}")
    else:
        found.flags[flag] = value


def _variables(found: ExternalDeployment, container: Mapping[str, Any]) -> None:
    for each in entries(container, "env"):
        name = str(each.get("name"))
        if name in TOKENS:
            found.token = True
        elif name in _DROPPED_VARIABLES:
            found.lost.append(f"variable {name} {as_text(each.get('value', ''))}: {_DROPPED_VARIABLES[name]}")
        elif is_secret(name, as_text(each.get("value", ""))):
            found.lost.append(f"variable {name}: {NOT_IN_GIT}")
        elif "value" in each:
            found.variables[name] = as_text(each["value"])
        else:
            found.lost.append(f"variable {name}: its value comes from elsewhere in the cluster")


def _resources_beside(found: ExternalDeployment, container: Mapping[str, Any]) -> None:
    """Name the limits that differ from the requests, which `read_resources` has not named."""
    resources = mapping_at(container, "resources")
    requests = mapping_at(resources, "requests")
    for name, amount in mapping_at(resources, "limits").items():
        if name not in DEVICES and name in requests and amount != requests[name]:
            found.lost.append(f"limit {name} {amount}: the overlay sizes the pod")


def _fields(serving: _Serving, spec: Mapping[str, Any]) -> Iterator[str]:
    """Yield each field that is read by nobody, with why there is no place for it."""
    levels: list[tuple[str, Mapping[str, Any], frozenset[str]]] = [
        ("", spec, frozenset({"replicas", "template"})),
        ("", serving.pod, frozenset({"containers", "initContainers"})),
        ("", serving.container, frozenset({"name", "image", "command", "args", "env", "resources"})),
        ("", serving.raw, frozenset({"metadata", "spec"}) | _WITHOUT_MEANING),
    ]
    if serving.kind != "Pod":
        levels.append(("", serving.template, frozenset({"metadata", "spec"}) | _WITHOUT_MEANING))
    for _, fields, read in levels:
        for key in fields:
            if key not in read:
                yield f"{key}: {_WHY.get(key, _OTHERWISE)}"
    owners = (
        [(serving.kind, serving.raw)]
        if serving.kind == "Pod"
        else [
            (serving.kind, serving.raw),
            ("its pods", serving.template),
        ]
    )
    for owner, holder in owners:
        metadata = mapping_at(holder, "metadata")
        for key, value in mapping_at(metadata, "labels").items():
            yield f"label {key}={value} of {owner}: models have labels of their own here"
        for key in mapping_at(metadata, "annotations"):
            yield f"annotations {key} of {owner}: {_OTHERWISE}"
        for key in sorted(set(metadata) - _IDENTITY - _WITHOUT_MEANING):
            yield f"metadata.{key} of {owner}: {_OTHERWISE}"
    namespace = mapping_at(serving.raw, "metadata").get("namespace", "models")
    if namespace != "models":
        yield f"namespace {namespace}: models share the namespace models"
    if serving.container.get("name"):
        yield f"container name {serving.container['name']}: the base has its own"
    for each in _containers(serving.pod, "containers"):
        if each is not serving.container:
            yield f"container {each.get('name')}: only the engine's is carried over"
    for each in _containers(serving.pod, "initContainers"):
        yield f"init container {each.get('name')}: the base and its features have their own"
