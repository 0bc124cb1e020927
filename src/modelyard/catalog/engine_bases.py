"""Engines that a model may run on, as the folders of `bases/serving` describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_NAME = 53
"""Characters that Kubernetes and Helm leave a model's name, where its workload adds none of its own."""

UNPREFERRED = 100
"""Place of an engine that says none."""


@dataclass(frozen=True, slots=True)
class EngineBase:
    """One folder of `bases/serving`, as its `engine.yaml` describes it.

    Attributes:
        name: The folder's name.
        engine: The engine that it runs, by its name in the catalogue of flags, such as `vllm`.
        accelerator: `gpu`, `neuron` or `cpu`.
        workload: Kind of the workload.
        settings: Name of the settings file.
        images: Names of its images.
        needs: Platform components.
        provides: Words of `bases/serving/capabilities.yaml` that are true of it.
        version: The engine's version where the image's tag is none.
        environment: What the kustomization of a model holds as well, by field of the kustomization.
        preference: Place among the engines that serve a model equally well; the lowest is tried first.
        longest_name: Most characters of a model's name.
        frameworks: What inference-charts calls what it replaces.
    """

    name: str
    engine: str
    accelerator: str
    workload: str
    settings: str
    images: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    version: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)
    preference: int = UNPREFERRED
    longest_name: int = LONGEST_NAME
    frameworks: tuple[str, ...] = ()

    @property
    def capabilities(self) -> frozenset[str]:
        """Return all that a feature may require of it: what it provides, its kind of device, and its images."""
        return frozenset((*self.provides, self.accelerator, *self.images))

    @property
    def takes_arguments(self) -> bool:
        """Return whether flags of the engine may be appended to its container's `args`."""
        return "engine-args" in self.provides


def engine_base_from_mapping(name: str, raw: Mapping[str, Any]) -> EngineBase:
    """Return an engine from the content of its `engine.yaml`.

    Raises:
        ValueError: A text is missing, a list is none, or a number is none.
    """
    return EngineBase(
        name,
        _text(name, raw, "engine"),
        _text(name, raw, "accelerator"),
        _text(name, raw, "workload"),
        _text(name, raw, "settings"),
        _names(name, raw, "images"),
        _names(name, raw, "needs"),
        _names(name, raw, "provides"),
        str(raw.get("version") or ""),
        _mapping(name, raw, "environment"),
        _number(name, raw, "preference", UNPREFERRED),
        _number(name, raw, "longest-name", LONGEST_NAME),
        _names(name, raw, "frameworks"),
    )


def _text(name: str, raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} of engine {name} is {value!r}, expected a text")
    return value


def _names(name: str, raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{key} of engine {name} is {value!r}, expected a list of names")
    return tuple(value)


def _mapping(name: str, raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key) or {}
    if not isinstance(value, dict):
        raise ValueError(f"{key} of engine {name} is {value!r}, expected a mapping")
    return value


def _number(name: str, raw: Mapping[str, Any], key: str, default: int) -> int:
    value = raw.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{key} of engine {name} is {value!r}, expected a whole number")
    return value
