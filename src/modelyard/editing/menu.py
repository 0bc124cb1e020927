"""What a repository offers to choose from: overlays, engines and features, as their own files describe them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from modelyard.catalog import EngineBase, Feature, engine_base_from_mapping, feature_from_mapping
from modelyard.findings import At, Place, UserError
from modelyard.repository import PLATFORM, Files
from modelyard.repository.yaml import one_mapping
from modelyard.wording import nearest

OVERLAYS = "overlays"
FEATURES = "bases/features"
ENGINES = "bases/serving"
CONSENT = "hf-token"
"""The feature without which a model that asks for consent does not load."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """One folder of `overlays`.

    Attributes:
        name: The folder's name.
        description: What it serves, one sentence without a final stop.
        model: The model's id.
        engine: Folder of `bases/serving`.
        accelerator: `gpu`, `neuron` or `cpu`.
        devices: Devices of one replica.
        requires: Features that must be on.
        gated: Whether the model's repository asks for consent.
    """

    name: str
    description: str
    model: str
    engine: str
    accelerator: str
    devices: int
    requires: tuple[str, ...] = ()
    gated: bool = False


class Menu:
    """Everything there is to choose from."""

    def __init__(self, files: Files) -> None:
        self.files = files

    @cached_property
    def overlays(self) -> Mapping[str, Overlay]:
        """Return the overlays that describe themselves, by name."""
        found = {}
        for name in self.files.under(OVERLAYS):
            file = f"{OVERLAYS}/{name}/overlay.yaml"
            if self.files.is_file(file):
                raw = _mapping(self.files, file)
                found[name] = Overlay(
                    name,
                    _text(raw, "description", file),
                    _text(raw, "model", file),
                    _text(raw, "engine", file),
                    _text(raw, "accelerator", file),
                    int(raw.get("devices") or 1),
                    tuple(map(str, raw.get("requires") or ())),
                    bool(raw.get("gated")),
                )
        return found

    @cached_property
    def engines(self) -> Mapping[str, EngineBase]:
        """Return the engines by name."""
        found = {}
        for name in self.files.under(ENGINES):
            file = f"{ENGINES}/{name}/engine.yaml"
            if self.files.is_file(file):
                try:
                    found[name] = engine_base_from_mapping(name, _mapping(self.files, file))
                except ValueError as problem:
                    raise UserError(f"{file}: {problem}", at=At(Place(file))) from None
        return found

    def provided(self, components: Iterable[str]) -> set[str]:
        """Return the components that engines find in a platform of these: they, and those in whose place one is."""
        found = set(components)
        for name in sorted(found):
            file = f"{PLATFORM}/{name}/component.yaml"
            if self.files.is_file(file):
                found |= set(map(str, _mapping(self.files, file).get("stands-for") or ()))
        return found

    @cached_property
    def features(self) -> Mapping[str, Feature]:
        """Return the features by name."""
        return {name: feature for name, (feature, _) in self._features.items()}

    def require(self, what: str, name: str) -> None:
        """Refuse a name that nothing of its sort has.

        Args:
            what: `overlay`, `engine` or `feature`.
            name: The name.

        Raises:
            UserError: There is none.
        """
        sorts: Mapping[str, Mapping[str, object]] = {
            "overlay": self.overlays,
            "engine": self.engines,
            "feature": self.features,
        }
        known = sorts[what]
        if name in known:
            return
        near = nearest(name, known)
        if not near:  # a name may be near but for the order of its words: zone-spread, spread-zones
            ordered = {_ordered(each): each for each in known}
            near = ordered.get(nearest(_ordered(name), ordered), "")
        raise UserError(
            f"there is no {what} {name or 'without a name'}",
            fix=f"did you mean {near}?" if near else f"there are {', '.join(known)}",
        )

    def of_feature(self, name: str) -> Mapping[str, Any]:
        """Return what the kustomization of a model with this feature holds as well, by field."""
        found: Mapping[str, Any] = self._features[name][1]
        return found

    @cached_property
    def _features(self) -> Mapping[str, tuple[Feature, Mapping[str, Any]]]:
        found = {}
        for name in self.files.under(FEATURES):
            file = f"{FEATURES}/{name}/feature.yaml"
            if self.files.is_file(file):
                raw = _mapping(self.files, file)
                try:
                    feature = feature_from_mapping(name, raw, self.engines)
                except ValueError as problem:
                    raise UserError(f"{file}: {problem}", at=At(Place(file))) from None
                found[name] = (feature, dict(raw.get("environment") or {}))
        return found


def _mapping(files: Files, file: str) -> dict[str, Any]:
    return one_mapping(file, files.documents(file))


def _text(raw: Mapping[str, Any], key: str, file: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise UserError(f"{file} does not say its {key}", fix=f"write {key}: …", at=At(Place(file)))
    return value


def _ordered(name: str) -> str:
    return "-".join(sorted(name.split("-")))
