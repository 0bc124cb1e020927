"""What a deployment of a model by others says, as far as it was understood."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.findings import At, Place, UserError, is_secret

DEVICES = {"nvidia.com/gpu": "gpu", "aws.amazon.com/neuron": "neuron"}
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
NOT_IN_GIT = "a secret does not belong in Git; it lies in AWS Secrets Manager"
_SERVED_HERE = {
    "host": "the base of the engine listens on every address",
    "port": "the base of the engine has its own port, and its Service asks that",
    "served-model-name": "callers ask for the model by its name here; add the old name to the overlay's settings",
    "model": "it is what the overlay serves",
    "config": "the overlay has a settings file of its own",
    "pipeline": "the model's own files name its pipeline",
}


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


def served_here(flag: str) -> bool:
    """Return whether a flag is what the base or the environment says, whatever others wrote."""
    return flag in _SERVED_HERE


def why_here(flag: str) -> str:
    """Return what decides a flag here, whatever others wrote."""
    return _SERVED_HERE[flag]


def replicas_of(path: str, told: Any) -> int:
    """Return a number of replicas; one where none is told.

    Raises:
        UserError: It is no number, such as a placeholder that another program fills in.
    """
    if told is None:
        return 1
    if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 10_000:
        return told
    raise UserError(
        f"{path}: replicas is {as_text(told)!r}, which is no number",
        fix="fill the file in first, as whatever deploys it does",
        at=At(Place(path)),
    )


def kept(found: ExternalDeployment) -> Iterator[tuple[str, str]]:
    """Yield the flags that may be carried over."""
    return ((flag, value) for flag, value in found.flags.items() if not served_here(flag))


def leave_secrets(found: ExternalDeployment) -> None:
    """Take secrets out of what is carried over, and say where they belong."""
    # What counts tokens is no secret, however it is spelt.
    for flag in [f for f, value in found.flags.items() if is_secret(f, value) and not f.startswith(("max-", "num-"))]:
        if flag == "hf-token":
            found.token = True
        else:
            found.lost.append(
                f"{flag}: {NOT_IN_GIT}" + (", which the feature api-key reads" if flag == "api-key" else "")
            )
        del found.flags[flag]
    for name in [each for each, value in found.variables.items() if is_secret(each, value)]:
        if name in TOKENS:
            found.token = True
        else:
            found.lost.append(f"variable {name}: {NOT_IN_GIT}")
        del found.variables[name]


def note_image(found: ExternalDeployment, image: Mapping[str, Any]) -> None:
    """Say what decides the image here."""
    if image.get("repository"):
        told = f"{image['repository']}:{image.get('tag') or 'latest'}"
        found.lost.append(f"image {told}: environments/<env>/versions tags the engine for all its models")


def read_resources(found: ExternalDeployment, resources: Mapping[str, Any]) -> None:
    """Read how many devices of which kind a replica has, and name what the overlay decides."""
    for part in ("limits", "requests"):
        for name, amount in mapping_at(resources, part).items():
            if name in DEVICES:
                found.devices, found.accelerator = whole(amount), DEVICES[name]
            elif part == "requests" or name not in mapping_at(resources, "requests"):
                found.lost.append(f"{name} {amount}: the overlay sizes the pod")


def whole(amount: Any) -> int:
    """Return a whole number; one where it is none."""
    text = str(amount)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def mapping_at(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the mapping at a key; an empty one where there is none."""
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def as_text(value: Any) -> str:
    """Return a value as a command line has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)
