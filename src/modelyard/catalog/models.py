"""The models of the catalogue: one folder each, found by their id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from modelyard.catalog.loading import DATA, kebab, read_yaml
from modelyard.catalog.shapes import Experts, LatentAttention, LayerGroup, ModelShape, Quantization


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model, with what was read and what is only believed.

    Attributes:
        id: Repository on Hugging Face, such as `Qwen/Qwen3-1.7B`.
        family: `llm`, `vlm`, `embedding`, `audio` or `diffusion`.
        license: SPDX-like name.
        gated: Whether the repository asks for consent, and how (`manual`, `auto`); None where unknown.
        parameters_billion: Parameters as published, in 10^9.
        active_parameters_billion: Parameters that one token uses.
        shape: What memory follows from; None for pipelines that vLLM does not serve.
        weights_gib: Weights as an engine loaded them or as the files weigh, in GiB; None where nobody told.
        components_billion: Parameters of each part of a pipeline, in 10^9.
        vllm: Whether the pinned vLLM has the architecture; None where unknown.
        tool_call_parser: vLLM's parser that suits the model.
        reasoning_parser: vLLM's reasoning parser that suits the model.
        chat_template: Where the chat template is.
        neuron: Whether AWS names it for vLLM on Neuron, in words.
        notes: What a reader should know.
        sources: Where the verified fields were read.
        unverified: Fields that no source showed; shown as such.
    """

    id: str
    family: str
    license: str
    gated: bool | str | None = None
    parameters_billion: float | None = None
    active_parameters_billion: float | None = None
    shape: ModelShape | None = None
    weights_gib: float | None = None
    components_billion: Mapping[str, float] | None = None
    vllm: bool | None = None
    tool_call_parser: str | None = None
    reasoning_parser: str | None = None
    chat_template: str | None = None
    neuron: str | None = None
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...]
    unverified: tuple[str, ...] = ()

    def is_verified(self, field: str) -> bool:
        """Tell whether a source showed the field (its name in the data file, such as `tool-call-parser`)."""
        return field not in self.unverified


def folder_name(model_id: str) -> str:
    """Return the folder of a model: its id with the slash replaced, which file systems can hold."""
    return model_id.replace("/", "--")


def model_from_mapping(raw: Mapping[str, Any]) -> Model:
    """Return the entry that a `model.yaml` describes.

    Raises:
        pydantic.ValidationError: A field is unknown, missing or of the wrong type.
    """
    return cast(Model, _adapters()[0].validate_python(raw))


def model_to_mapping(entry: Model) -> dict[str, Any]:
    """Return what `model.yaml` holds for an entry, defaults left out."""
    dumped = _adapters()[0].dump_python(entry, mode="json", by_alias=True, exclude_defaults=True)
    return cast(dict[str, Any], dumped)


@cache
def _adapters() -> tuple[Any, Any]:
    # Pydantic is imported here so that commands that need no model start without it.
    from pydantic import ConfigDict, TypeAdapter

    config = ConfigDict(extra="forbid", alias_generator=kebab)
    for part in (LayerGroup, Experts, LatentAttention, Quantization, ModelShape, Model):
        setattr(part, "__pydantic_config__", config)  # noqa: B010 - the classes do not depend on pydantic
    return TypeAdapter(Model), TypeAdapter(ModelShape)


def model_from_file(path: Path) -> Model:
    """Return the entry in one `model.yaml`."""
    return model_from_mapping(read_yaml(path))


@cache
def model(model_id: str) -> Model | None:
    """Return a model by its id, or None when the catalogue does not have it."""
    path = DATA / "models" / folder_name(model_id) / "model.yaml"
    # A file system that ignores case finds the folder of another spelling; ids do not.
    if not path.is_file():
        return None
    found = model_from_file(path)
    return found if found.id == model_id else None


@cache
def models() -> Mapping[str, Model]:
    """Return every model of the catalogue by its id."""
    found = (model_from_file(path) for path in sorted((DATA / "models").glob("*/model.yaml")))
    return MappingProxyType({entry.id: entry for entry in found})


def shape_from_mapping(raw: Mapping[str, Any]) -> ModelShape:
    """Return the shape that the `shape` part of a `model.yaml` describes.

    Raises:
        pydantic.ValidationError: A field is unknown, missing or of the wrong type.
    """
    return cast(ModelShape, _adapters()[1].validate_python(raw))
