"""Features that a model may switch on: whom they serve, what they need, and what they exclude."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelyard.catalog.engine_bases import EngineBase


@dataclass(frozen=True, slots=True)
class Feature:
    """One folder of `bases/features`, as its `feature.yaml` describes it.

    Attributes:
        name: The folder's name.
        description: What it does, one sentence without a final stop.
        engines: Folders of `bases/serving` that it is for, by what it requires and what they provide.
        needs: Platform components, and features that must be on beside it.
        excludes: Features that cannot be on beside it.
        images: Names of the images that it brings.
        replacements: Entries that the kustomization of a model holds under `replacements` when the feature is on.
        assumes: What must be there that no folder of this repository brings, one sentence each.
        follows: What of an environment it follows, so that it is not promoted; empty where it is.
        asks: What only a person knows, by name, with an example that has the form and stands for nothing.
        requires: What it requires of an engine: words of `bases/serving/capabilities.yaml`, kinds of device, images.
        workloads: Kinds of workload that it changes or copies from, of which an engine must be one; empty for none.
    """

    name: str
    description: str
    engines: tuple[str, ...]
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    replacements: tuple[Mapping[str, Any], ...] = ()
    assumes: tuple[str, ...] = ()
    follows: str = ""
    asks: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()


def feature_from_mapping(name: str, raw: Mapping[str, Any], engines: Mapping[str, EngineBase]) -> Feature:
    """Return a feature from the content of its `feature.yaml`.

    Args:
        name: The folder's name.
        raw: The content.
        engines: The engines there are, by folder.

    Raises:
        ValueError: The description or what it requires is missing, or a list is none.
    """
    if "requires" not in raw:
        raise ValueError(f"feature {name} does not say what it requires of an engine (requires: [] for nothing)")
    lists: dict[str, tuple[str, ...]] = {}
    for key in ("requires", "workloads", "needs", "excludes", "images", "assumes"):
        value = raw.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{key} of feature {name} is {value!r}, expected a list of names")
        lists[key] = tuple(value)
    description = raw.get("description")
    if not isinstance(description, str):
        raise ValueError(f"feature {name} needs a description")
    environment, asked = raw.get("environment") or {}, raw.get("asks") or {}
    if not isinstance(environment, dict) or not isinstance(asked, dict):
        raise ValueError(f"environment and asks of feature {name} should be mappings")
    replacements = tuple(environment.get("replacements") or ())
    asks = {str(key): str(value) for key, value in asked.items()}
    follows = str(raw.get("follows") or "")
    serving = served_engines(lists["requires"], lists["workloads"], engines)
    return Feature(name, description, serving, replacements=replacements, follows=follows, asks=asks, **lists)


def served_engines(
    requires: Collection[str], workloads: Collection[str], engines: Mapping[str, EngineBase]
) -> tuple[str, ...]:
    """Return the engines that provide all that is required and run in one of the workloads, the preferred first."""
    serving = [
        each
        for each in engines.values()
        if each.capabilities.issuperset(requires) and (not workloads or each.workload in workloads)
    ]
    return tuple(each.name for each in sorted(serving, key=lambda each: (each.preference, each.name)))


def feature_problems(
    chosen: Sequence[str], features: Mapping[str, Feature], engine: str, platform: Collection[str]
) -> list[str]:
    """Return why a model may not have a set of features, in sentences without a final stop; empty when it may.

    Args:
        chosen: Names of the features, in the order of the model's `components`.
        features: Every feature there is, by name.
        engine: The engine's folder in `bases/serving`.
        platform: Components of the environment's platform.
    """
    problems = []
    for index, name in enumerate(chosen):
        feature = features.get(name)
        if name in chosen[:index]:
            problems.append(f"{name} is named twice, and would add its list items twice")
        elif feature is None:
            problems.append(f"there is no feature {name}; there are {', '.join(sorted(features))}")
        elif engine not in feature.engines:
            others = ", ".join(feature.engines) or f"none here: it requires {', '.join(feature.requires)}"
            problems.append(f"{name} is not for {engine}, it is for {others}")
        else:
            # Said once for a pair, whichever of the two says it.
            problems += [
                f"{name} and {other} exclude each other"
                for other in dict.fromkeys(chosen[:index])
                if other in feature.excludes or (other in features and name in features[other].excludes)
            ]
            # A need of the feature's own name is a component: neuron-scheduler asks for the scheduler of that name.
            problems += [
                f"{name} needs the feature {need}"
                if need in features and need != name
                else f"{name} needs {need} in the environment"
                for need in feature.needs
                if need not in platform and (need == name or need not in chosen)
            ]
    return problems
